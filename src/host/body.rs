//! What a request carries. Bytes that travel as base64 stay bytes until they are sent, piece by piece: written out they
//! would be in memory once more, and several times on their way through JavaScript.

use std::fmt;
use std::rc::Rc;

use base64::display::Base64Display;
use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;

/// The text of a request, in the order in which it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Vec<Piece>);

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// To be written in base64, padded.
    Base64(Rc<Vec<u8>>),
    /// As they are.
    Bytes(Rc<Vec<u8>>),
}

impl Body {
    /// The pieces one after the other.
    pub fn of(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// How many bytes are sent.
    pub fn len(&self) -> usize {
        self.0.iter().map(Piece::len).sum()
    }

    /// Whether nothing is sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is sent, at once.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        for piece in self.0 {
            whole.extend_from_slice(&piece.slice(0, usize::MAX));
        }
        whole
    }

    /// The body in slices of about `most` bytes, each made when it is asked for.
    pub fn slices(self, most: usize) -> impl Iterator<Item = Vec<u8>> {
        // Three bytes are four letters, so that only the end of a piece is padded.
        let bytes = (most / 4 * 3).max(3);
        let of_piece = move |piece: Piece| {
            let step = match piece {
                Piece::Text(_) | Piece::Bytes(_) => most.max(1),
                Piece::Base64(_) => bytes,
            };
            let starts = (0..piece.bytes().len()).step_by(step);
            starts.map(move |start| piece.slice(start, step))
        };
        self.0.into_iter().flat_map(of_piece)
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Base64(bytes) | Self::Bytes(bytes) => bytes,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Base64(bytes) => bytes.len().div_ceil(3) * 4,
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn slice(&self, start: usize, most: usize) -> Vec<u8> {
        let bytes = &self.bytes()[start..];
        let bytes = &bytes[..most.min(bytes.len())];
        match self {
            Self::Text(_) | Self::Bytes(_) => bytes.to_vec(),
            Self::Base64(_) => BASE64_STANDARD.encode(bytes).into_bytes(),
        }
    }
}

impl From<Rc<Vec<u8>>> for Body {
    fn from(bytes: Rc<Vec<u8>>) -> Self {
        Self(vec![Piece::Bytes(bytes)])
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(vec![Piece::Text(text)])
    }
}

impl fmt::Display for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Base64(bytes) => Base64Display::new(bytes, &BASE64_STANDARD).fmt(formatter),
            Piece::Bytes(bytes) => formatter.write_str(&String::from_utf8_lossy(bytes)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_sent_at_once_as_it_is() {
        assert_eq!(
            Body::from("text é".to_owned()).into_bytes(),
            "text é".as_bytes()
        );
        assert!(Body::of(Vec::new()).into_bytes().is_empty());
    }

    #[test]
    fn however_it_is_sliced_the_same_is_sent() {
        for length in 0..12u8 {
            let body = Body::of(vec![
                Piece::Text("before é ".into()),
                Piece::Base64(Rc::new((0..length).collect())),
                Piece::Text(" after".into()),
                Piece::Bytes(Rc::new(b"as they are".to_vec())),
            ]);
            let whole = body.to_string();
            assert_eq!(body.len(), whole.len());
            assert_eq!(body.clone().into_bytes(), whole.as_bytes());
            for most in [1, 4, 5, 8, 1_000] {
                let slices: Vec<Vec<u8>> = body.clone().slices(most).collect();
                assert!(slices.iter().all(|slice| slice.len() <= most.max(4)));
                assert_eq!(slices.concat(), whole.as_bytes());
            }
        }
    }
}
