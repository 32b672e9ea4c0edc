//! Arrows, circles and words on photographs.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};
use zeno::{Cap, Command, Join, Mask, PathBuilder, Placement, Stroke, Style, Vector};

use crate::order::{Annotation, Position};
use crate::raster::Raster;

/// Red, as engineers mark what they find.
const DEFAULT_COLOR: [u8; 3] = [229, 57, 53];
const BLACK: [u8; 3] = [0; 3];
const WHITE: [u8; 3] = [255; 3];
/// Parts of the photograph's longer side.
const LINE_WIDTH: f32 = 0.005;
const HEAD_LENGTH: f32 = 0.03;
/// Around a line, so that it is seen on what has its colour.
const EDGE: f32 = 0.35;
/// Around the words in their box, in pixels.
const PADDING: i32 = 6;

/// Draws the annotations, one over the other.
pub(crate) fn annotate(raster: &mut Raster, annotations: &[Annotation]) {
    // Colours are drawn on it.
    raster.is_grey &= annotations.is_empty();
    for annotation in annotations {
        match annotation {
            Annotation::Arrow { from, to, color } => {
                let arrow = arrow(raster, *from, *to);
                line(raster, &arrow, rgb(color.as_deref()));
            }
            Annotation::Circle {
                center,
                radius,
                color,
            } => {
                let mut circle: Vec<Command> = Vec::new();
                circle.add_circle(place(raster, *center), part(*radius) * longer_side(raster));
                line(raster, &circle, rgb(color.as_deref()));
            }
            Annotation::Text { at, text, color } => {
                let at = place(raster, *at);
                words(
                    raster,
                    (at.x as i32, at.y as i32),
                    text,
                    rgb(color.as_deref()),
                );
            }
        }
    }
}

/// `#rrggbb`, or red.
fn rgb(color: Option<&str>) -> [u8; 3] {
    let digits = color.and_then(|color| u32::from_str_radix(color.strip_prefix('#')?, 16).ok());
    digits.map_or(DEFAULT_COLOR, |digits| {
        let [_, r, g, b] = digits.to_be_bytes();
        [r, g, b]
    })
}

fn longer_side(raster: &Raster) -> f32 {
    raster.width.max(raster.height) as f32
}

fn place(raster: &Raster, Position { x, y }: Position) -> Vector {
    Vector::new(
        part(x) * raster.width as f32,
        part(y) * raster.height as f32,
    )
}

/// From 0 to 1: what is far outside would take the rasterizer too far.
fn part(number: f32) -> f32 {
    if number.is_nan() {
        0.0
    } else {
        number.clamp(0.0, 1.0)
    }
}

/// A shaft and two strokes at its end, as by hand.
fn arrow(raster: &Raster, from: Position, to: Position) -> Vec<Command> {
    let (from, to) = (place(raster, from), place(raster, to));
    let shaft = Vector::new(from.x - to.x, from.y - to.y);
    let length = shaft.x.hypot(shaft.y).max(1.0);
    let back = HEAD_LENGTH * longer_side(raster) / length;
    let side = |sign: f32| {
        Vector::new(
            to.x + (shaft.x - sign * shaft.y * 0.5) * back,
            to.y + (shaft.y + sign * shaft.x * 0.5) * back,
        )
    };
    let mut path: Vec<Command> = Vec::new();
    path.move_to(from).line_to(to);
    path.move_to(side(1.0)).line_to(to).line_to(side(-1.0));
    path
}

/// A line in its colour, with an edge in the opposite one.
fn line(raster: &mut Raster, path: &[Command], color: [u8; 3]) {
    let width = (LINE_WIDTH * longer_side(raster)).max(2.0);
    for (width, color) in [
        (width * (1.0 + 2.0 * EDGE), contrast(color)),
        (width, color),
    ] {
        let mut stroke = Stroke::new(width);
        stroke.cap(Cap::Round).join(Join::Round);
        let size = (raster.width as u32, raster.height as u32);
        let (mask, placement) = Mask::new(path)
            .style(Style::Stroke(stroke))
            .size(size.0, size.1)
            .render();
        cover(raster, &mask, placement, color);
    }
}

/// Black or white, whichever is further away.
fn contrast([r, g, b]: [u8; 3]) -> [u8; 3] {
    let brightness = u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b);
    if brightness > 1_275 { BLACK } else { WHITE }
}

/// One line of words in a box, which is moved to where all of it is seen if that is possible.
fn words(raster: &mut Raster, (x, y): (i32, i32), text: &str, color: [u8; 3]) {
    let glyphs: Vec<_> = text.chars().filter_map(glyph).collect();
    let width: usize = glyphs.iter().map(|glyph| glyph.width()).sum();
    let height = glyphs.first().map_or(0, |glyph| glyph.height());
    let (box_width, box_height) = (width as i32 + 2 * PADDING, height as i32 + 2 * PADDING);
    let within = |at: i32, length: i32, side: usize| at.min(side as i32 - length).max(0);
    let (x, y) = (
        within(x, box_width, raster.width),
        within(y, box_height, raster.height),
    );
    let ground = vec![255; (box_width * box_height) as usize];
    let placement = |left, top, width: i32, height: i32| Placement {
        left,
        top,
        width: width.unsigned_abs(),
        height: height.unsigned_abs(),
    };
    cover(
        raster,
        &ground,
        placement(x, y, box_width, box_height),
        contrast(color),
    );
    let mut left = x + PADDING;
    for glyph in glyphs {
        let mask: Vec<u8> = glyph.rows().flatten().copied().collect();
        let (width, height) = (glyph.width() as i32, glyph.height() as i32);
        cover(
            raster,
            &mask,
            placement(left, y + PADDING, width, height),
            color,
        );
        left += width;
    }
}

/// A letter, or a question mark for one that the font has not.
fn glyph(letter: char) -> Option<noto_sans_mono_bitmap::RasterizedChar> {
    let letter = if letter.is_whitespace() { ' ' } else { letter };
    let of = |letter| get_raster(letter, FontWeight::Regular, RasterHeight::Size32);
    of(letter).or_else(|| of('?'))
}

/// Paints where the mask is, as much as it is.
fn cover(raster: &mut Raster, mask: &[u8], placement: Placement, color: [u8; 3]) {
    let width = placement.width.max(1) as usize;
    for (row, alphas) in mask.chunks_exact(width).enumerate() {
        let Some(y) = inside(placement.top, row, raster.height) else {
            continue;
        };
        for (column, alpha) in alphas.iter().enumerate().filter(|(_, alpha)| **alpha > 0) {
            let Some(x) = inside(placement.left, column, raster.width) else {
                continue;
            };
            for pixel in raster.row_part(y, x, x + 1) {
                let channels = pixel.iter_mut().zip(color);
                channels.for_each(|(below, above)| *below = blend(*below, above, *alpha));
            }
        }
    }
}

fn inside(start: i32, offset: usize, side: usize) -> Option<usize> {
    let at = usize::try_from(i64::from(start) + offset as i64).ok()?;
    (at < side).then_some(at)
}

fn blend(below: u8, above: u8, alpha: u8) -> u8 {
    let [below, above, alpha] = [below, above, alpha].map(u32::from);
    ((below * (255 - alpha) + above * alpha + 127) / 255) as u8
}
