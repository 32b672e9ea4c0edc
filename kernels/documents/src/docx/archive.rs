//! A zip: as much of it as a document needs. Nothing in it tells when it was made.

use miniz_oxide::deflate::compress_to_vec;

const DEFLATED: u16 = 8;
const STORED: u16 = 0;
/// The first day that a zip knows.
const DATE: u16 = 0x21;
const LEVEL: u8 = 6;

/// A zip that files are added to.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    files: u16,
}

impl Archive {
    pub(super) fn add_text(&mut self, name: &str, text: &str) {
        let packed = compress_to_vec(text.as_bytes(), LEVEL);
        self.add(name, text.as_bytes(), &packed, DEFLATED);
    }

    /// Adds what is packed already, as photographs are.
    pub(super) fn add_packed(&mut self, name: &str, bytes: &[u8]) {
        self.add(name, bytes, bytes, STORED);
    }

    fn add(&mut self, name: &str, bytes: &[u8], packed: &[u8], method: u16) {
        let starts_at = length(&self.bytes);
        let common = [
            &20_u16.to_le_bytes()[..],
            &0_u16.to_le_bytes(),
            &method.to_le_bytes(),
            &0_u16.to_le_bytes(),
            &DATE.to_le_bytes(),
            &crc32fast::hash(bytes).to_le_bytes(),
            &length(packed).to_le_bytes(),
            &length(bytes).to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &0_u16.to_le_bytes(),
        ]
        .concat();
        for part in [b"PK\x03\x04", &common[..], name.as_bytes(), packed] {
            self.bytes.extend_from_slice(part);
        }
        let made_by = 20_u16.to_le_bytes();
        let starts_at = starts_at.to_le_bytes();
        // Behind the common part: no comment, disk 0, no attributes.
        let rest = [&[0; 10][..], &starts_at, name.as_bytes()];
        for part in [&b"PK\x01\x02"[..], &made_by, &common]
            .into_iter()
            .chain(rest)
        {
            self.directory.extend_from_slice(part);
        }
        self.files += 1;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let starts_at = length(&self.bytes).to_le_bytes();
        let end = [
            &b"PK\x05\x06\0\0\0\0"[..],
            &self.files.to_le_bytes(),
            &self.files.to_le_bytes(),
            &length(&self.directory).to_le_bytes(),
            &starts_at,
            &[0; 2],
        ];
        self.bytes.extend_from_slice(&self.directory);
        end.into_iter()
            .for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes
    }
}

/// A kernel's memory is smaller than what this could not count.
fn length(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}
