//! Parts that nobody is to see.

use crate::order::Rectangle;
use crate::raster::Raster;

/// Neighbours share their colour in a JPEG, so what is covered reaches a little beyond its edges.
const MARGIN: f32 = 2.0;

/// Blackens the rectangles. It comes before any scaling, so that nothing of what is below is mixed into what is around.
pub(crate) fn redact(raster: &mut Raster, rectangles: &[Rectangle]) {
    for rectangle in rectangles {
        let (from_x, to_x) = range(rectangle.x, rectangle.width, raster.width);
        let (from_y, to_y) = range(rectangle.y, rectangle.height, raster.height);
        for y in from_y..to_y {
            raster.row_part(y, from_x, to_x).fill([0, 0, 0, 255]);
        }
    }
}

/// From the first pixel to the one behind the last.
fn range(start: f32, length: f32, side: usize) -> (usize, usize) {
    let pixels = side as f32;
    let from = (start * pixels - MARGIN).floor().clamp(0.0, pixels);
    let to = ((start + length) * pixels + MARGIN)
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
        redact(&mut raster, &[rectangle]);
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
            );
        }
    }
}
