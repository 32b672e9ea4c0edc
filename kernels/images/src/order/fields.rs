//! Annotations as JSON has them: which of them is decided by one field, wherever among the others it stands. What serde
//! makes of such an enum by itself is a fifth of all that reads an input.

use serde::Deserialize;

use super::{Annotation, Position};

#[derive(Deserialize)]
pub(super) struct AnnotationFields {
    #[serde(rename = "type")]
    shape: Shape,
    from: Option<Position>,
    to: Option<Position>,
    center: Option<Position>,
    radius: Option<f32>,
    at: Option<Position>,
    text: Option<String>,
    color: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Arrow,
    Circle,
    Text,
}

impl TryFrom<AnnotationFields> for Annotation {
    type Error = &'static str;

    fn try_from(fields: AnnotationFields) -> Result<Self, Self::Error> {
        let AnnotationFields {
            shape,
            from,
            to,
            center,
            radius,
            at,
            text,
            color,
        } = fields;
        let annotation = match shape {
            Shape::Arrow => from
                .zip(to)
                .map(|(from, to)| Self::Arrow { from, to, color }),
            Shape::Circle => center.zip(radius).map(|(center, radius)| Self::Circle {
                center,
                radius,
                color,
            }),
            Shape::Text => at
                .zip(text)
                .map(|(at, text)| Self::Text { at, text, color }),
        };
        annotation.ok_or("expected an arrow with from and to, a circle with center and radius, or a text with at and text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_read_as_it_is_written_and_one_that_lacks_a_field_is_none() {
        let at = Position { x: 0.25, y: 0.5 };
        let color = Some("#ff0000".to_owned());
        let annotations = [
            Annotation::Arrow {
                from: at,
                to: at,
                color: color.clone(),
            },
            Annotation::Circle {
                center: at,
                radius: 0.5,
                color: None,
            },
            Annotation::Text {
                at,
                text: "crack".into(),
                color,
            },
        ];
        for annotation in annotations {
            let text = serde_json::to_string(&annotation).expect("JSON");
            assert_eq!(serde_json::from_str(&text).ok(), Some(annotation));
        }
        for odd in [
            r#"{"type":"arrow","from":{"x":0,"y":0}}"#,
            r#"{"type":"box"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Annotation>(odd).is_err(), "{odd}");
        }
    }
}
