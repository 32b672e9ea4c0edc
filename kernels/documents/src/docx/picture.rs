//! Photographs in the text.

use super::xml::escaped;
use crate::order::PhotoFile;

/// A millimetre in the unit of drawings.
const MILLIMETRE: u64 = 36_000;

/// How large a photograph may be, in millimetres.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Room {
    pub(super) const fn millimetres(width: u64, height: u64) -> Self {
        Self { width, height }
    }

    /// Width and height, in the unit of drawings, of a photograph that keeps its shape.
    pub(super) fn fit(self, file: PhotoFile) -> (u64, u64) {
        let (width, height) = (u64::from(file.width.max(1)), u64::from(file.height.max(1)));
        let (most_width, most_height) = (self.width * MILLIMETRE, self.height * MILLIMETRE);
        match most_width * height <= most_height * width {
            true => (most_width, (most_width * height / width).max(1)),
            false => ((most_height * width / height).max(1), most_height),
        }
    }
}

/// The run that shows picture `number`.
pub(super) fn drawing(number: usize, words: &str, (width, height): (u64, u64)) -> String {
    let words = escaped(words);
    format!(
        "<w:r><w:drawing><wp:inline distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\">\
        <wp:extent cx=\"{width}\" cy=\"{height}\"/><wp:docPr id=\"{number}\" name=\"Picture {number}\" descr=\"{words}\"/>\
        <wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect=\"1\"/></wp:cNvGraphicFramePr>\
        <a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic>\
        <pic:nvPicPr><pic:cNvPr id=\"{number}\" name=\"image{number}.jpeg\" descr=\"{words}\"/><pic:cNvPicPr/></pic:nvPicPr>\
        <pic:blipFill><a:blip r:embed=\"image{number}\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>\
        <pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"{width}\" cy=\"{height}\"/></a:xfrm>\
        <a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>\
        </wp:inline></w:drawing></w:r>"
    )
}
