//! Parts that nobody is to see.

use crate::order::Rectangle;
use crate::raster::Raster;

/// Neighbours share their colour in a JPEG, so what is covered as it was decoded reaches so far beyond its edges.
pub(crate) const MARGIN: f32 = 2.0;

/// Blackens the rectangles, and `margin` pixels around them. It comes before any scaling, so that nothing of what is
/// below is mixed into what is around, and once more behind it, so that nothing of what is around is mixed into them.
pub(crate) fn redact(raster: &mut Raster, rectangles: &[Rectangle], margin: f32) {
    for rectangle in rectangles {
        let (from_x, to_x) = range(rectangle.x, rectangle.width, margin, raster.width);
        let (from_y, to_y) = range(rectangle.y, rectangle.height, margin, raster.height);
        for y in from_y..to_y {
            raster.row_part(y, from_x, to_x).fill([0, 0, 0, 255]);
        }
    }
}

/// From the first pixel to the one behind the last.
fn range(start: f32, length: f32, margin: f32, side: usize) -> (usize, usize) {
    let pixels = side as f32;
    let from = (start * pixels - margin).floor().clamp(0.0, pixels);
    let to = ((start + length) * pixels + margin)
        .ceil()
        .clamp(0.0, pixels);
    (from as usize, to as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_covered_to_a_little_beyond_its_edges_and_the_rest_stays() {
        let mut raster = Raster::new(20, 10);
        raster.pixels.fill([9; 4]);
        let rectangle = Rectangle {
            x: 0.5,
            y: 0.5,
            width: 0.2,
            height: 0.1,
        };
        redact(&mut raster, &[rectangle], MARGIN);
        let covered = |x, y| raster.pixel(x, y) == [0, 0, 0, 255];
        for (x, y) in (0..20).flat_map(|x| (0..10).map(move |y| (x, y))) {
            let is_inside = (8..16).contains(&x) && (3..8).contains(&y);
            assert_eq!(covered(x, y), is_inside, "{x}, {y}");
        }
    }

    #[test]
    fn a_rectangle_beyond_the_edges_does_no_harm() {
        for odd in [-1.0, 0.9, 5.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut raster = Raster::new(20, 10);
            redact(
                &mut raster,
                &[Rectangle {
                    x: odd,
                    y: odd,
                    width: odd,
                    height: odd,
                }],
                MARGIN,
            );
        }
    }
}
