//! How many photos fit into a request.

use crate::grok::ImageSource;

/// All photos of a request.
pub(super) const ROOM_BYTES: usize = 10 << 20;
const AT_ONCE: usize = 3;

/// What is left of a request. Photos of a visit are much alike, so what came tells how many more fit: hardly any is
/// fetched that does not.
#[derive(Default)]
pub(super) struct Room {
    taken: usize,
    largest: usize,
    is_full: bool,
}

impl Room {
    /// How many photos to fetch next.
    pub(super) fn at_once(&self) -> usize {
        match self.largest {
            _ if self.is_full => 0,
            0 => 1,
            largest => (self.left() / largest).min(AT_ONCE),
        }
    }

    /// Takes a photo, if it still fits; after the first that does not, none does.
    pub(super) fn take(&mut self, source: &ImageSource) -> bool {
        let bytes = match source {
            ImageSource::Url(_) => 1,
            ImageSource::Data(photograph) => photograph.bytes.len(),
        };
        self.largest = self.largest.max(bytes);
        self.is_full |= bytes > self.left();
        if !self.is_full {
            self.taken += bytes;
        }
        !self.is_full
    }

    /// How many bytes are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    fn left(&self) -> usize {
        ROOM_BYTES - self.taken
    }
}
