//! What cameras write into files: how the photograph was held, when and where it was taken.

use exif::{Context, Exif, Field, In, Rational, Reader, Tag, Value};

use crate::order::GpsPosition;

/// What a camera wrote.
pub(crate) struct Metadata(Option<Exif>);

impl Metadata {
    /// Reads a TIFF of Exif, as much of it as makes sense.
    pub(crate) fn read(tiff: Option<Vec<u8>>) -> Self {
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        Self(tiff.and_then(|tiff| {
            let read = reader.read_raw(without_mark(tiff));
            read.or_else(|error| error.distill_partial_result(|_| ()))
                .ok()
        }))
    }

    /// One of the eight orientations; 0 if none is written.
    pub(crate) fn orientation(&self) -> u32 {
        let field = self.field(Tag::Orientation);
        field
            .and_then(|field| field.value.get_uint(0))
            .unwrap_or_default()
    }

    /// When the photograph was taken, in ISO 8601, with the camera's offset if it wrote one.
    pub(crate) fn taken_at(&self) -> Option<String> {
        let taken_at = |time, offset| Some(iso(self.text(time)?, self.text(offset)));
        taken_at(Tag::DateTimeOriginal, Tag::OffsetTimeOriginal)
            .or_else(|| taken_at(Tag::DateTime, Tag::OffsetTime))
            .flatten()
    }

    /// Where it was taken.
    pub(crate) fn gps(&self) -> Option<GpsPosition> {
        let latitude = self.degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, "S")?;
        let longitude = self.degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, "W")?;
        let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_on_earth.then_some(GpsPosition {
            latitude,
            longitude,
        })
    }

    fn degrees(&self, tag: Tag, reference: Tag, negative: &str) -> Option<f64> {
        let Value::Rational(parts) = &self.field(tag)?.value else {
            return None;
        };
        let [degrees, minutes, seconds] = parts.get(..3)? else {
            return None;
        };
        let degrees = number(*degrees)? + number(*minutes)? / 60.0 + number(*seconds)? / 3_600.0;
        let sign = if self.text(reference)? == negative {
            -1.0
        } else {
            1.0
        };
        // To a decimetre: more is not in it.
        Some((sign * degrees * 1e6).round() / 1e6)
    }

    fn text(&self, tag: Tag) -> Option<&str> {
        let Value::Ascii(lines) = &self.field(tag)?.value else {
            return None;
        };
        Some(std::str::from_utf8(lines.first()?).ok()?.trim())
    }

    fn field(&self, tag: Tag) -> Option<&Field> {
        debug_assert!(matches!(
            tag.context(),
            Context::Tiff | Context::Exif | Context::Gps
        ));
        self.0.as_ref()?.get_field(tag, In::PRIMARY)
    }
}

/// In WebP some programs put the mark of JPEG before it.
fn without_mark(tiff: Vec<u8>) -> Vec<u8> {
    match tiff.strip_prefix(b"Exif\0\0") {
        Some(rest) => rest.to_vec(),
        None => tiff,
    }
}

fn number(Rational { num, denom }: Rational) -> Option<f64> {
    (denom != 0).then(|| f64::from(num) / f64::from(denom))
}

/// `2026:05:01 10:20:30` and `+02:00` as one; `None` for what is no time, as of a camera whose clock was never set.
fn iso(time: &str, offset: Option<&str>) -> Option<String> {
    let (date, time) = time.split_once(' ')?;
    let date = date.replace(':', "-");
    let has_shape = |text: &str, shape: &str| {
        let fits = |(letter, wanted): (char, char)| match wanted {
            '9' => letter.is_ascii_digit(),
            wanted => letter == wanted,
        };
        text.len() == shape.len() && text.chars().zip(shape.chars()).all(fits)
    };
    let is_time =
        has_shape(&date, "9999-99-99") && has_shape(time, "99:99:99") && !date.starts_with("0000");
    let offset = offset.filter(|offset| has_shape(&offset.replace('-', "+"), "+99:99"));
    is_time.then(|| format!("{date}T{time}{}", offset.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_iso_says_and_what_is_none_is_left_out() {
        let cases = [
            (
                "2026:05:01 10:20:30",
                Some("+02:00"),
                Some("2026-05-01T10:20:30+02:00"),
            ),
            (
                "2026:05:01 10:20:30",
                Some("-07:00"),
                Some("2026-05-01T10:20:30-07:00"),
            ),
            (
                "2026:05:01 10:20:30",
                Some("local"),
                Some("2026-05-01T10:20:30"),
            ),
            ("2026-05-01 10:20:30", None, Some("2026-05-01T10:20:30")),
            ("0000:00:00 00:00:00", None, None),
            ("    :  :     :  :  ", None, None),
            ("yesterday", None, None),
        ];
        for (time, offset, expected) in cases {
            assert_eq!(iso(time, offset).as_deref(), expected, "{time}");
        }
    }

    #[test]
    fn odd_bytes_are_no_metadata() {
        for odd in [&b""[..], b"MM", b"II*\0\xff\xff\xff\xff", &[0; 100]] {
            let metadata = Metadata::read(Some(odd.to_vec()));
            assert_eq!((metadata.orientation(), metadata.taken_at()), (0, None));
        }
    }
}
