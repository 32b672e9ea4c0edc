//! The files of a document's photographs, which follow the order one after the other.

use crate::order::{Document, Photo, PhotoFile};

/// The photographs of a document with their files.
pub(crate) struct Photos<'a> {
    all: Vec<(&'a Photo, Option<ShownFile<'a>>)>,
}

/// A photograph's file.
#[derive(Clone, Copy)]
pub(crate) struct ShownFile<'a> {
    pub(crate) file: PhotoFile,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Photos<'a> {
    /// Cuts the files apart; `None` when there are fewer bytes than the order says.
    pub(crate) fn of(document: &'a Document, mut bytes: &'a [u8]) -> Option<Self> {
        let mut all = Vec::new();
        for photo in &document.photos {
            let Some(file) = photo.file else {
                all.push((photo, None));
                continue;
            };
            let (own, rest) = bytes.split_at_checked(file.bytes)?;
            bytes = rest;
            all.push((photo, Some(ShownFile { file, bytes: own })));
        }
        Some(Self { all })
    }

    /// The photograph at a place, if there is one.
    pub(crate) fn get(&self, place: usize) -> Option<(&'a Photo, Option<ShownFile<'a>>)> {
        self.all.get(place).copied()
    }

    /// Those at these places, as far as there are any.
    pub(crate) fn at<'b>(
        &'b self,
        places: &'b [usize],
    ) -> impl Iterator<Item = (usize, &'a Photo, Option<ShownFile<'a>>)> + 'b {
        let found = places.iter().map(|place| (*place, self.get(*place)));
        found.filter_map(|(place, found)| {
            let (photo, file) = found?;
            Some((place, photo, file))
        })
    }
}
