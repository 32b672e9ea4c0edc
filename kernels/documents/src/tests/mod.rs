//! Whole documents through the kernel.

mod docx;
mod html;
mod markdown;

use crate::order::*;
use crate::{RenderError, answer, head, read_answer, render};

/// The start of a JPEG is enough where nobody looks at it.
const FILE: &[u8] = &[0xff, 0xd8, 0xff, 0xd9];

/// What would be markup if it were not text.
const ODD: &str = "<b>\"Slope\" & 'fall' `*_[x](y)_*` | # 1.</b>";

fn link(text: &str, link: Link) -> Span {
    Span {
        text: text.into(),
        link: Some(link),
    }
}

fn photo(number: u32, file: Option<PhotoFile>) -> Photo {
    Photo {
        label: format!("Photo {number}"),
        caption: format!("Parapet {ODD}"),
        file,
        missing: format!("Photo {number} is not available"),
    }
}

/// One of every block, with odd words in each.
fn document() -> Document {
    let file = PhotoFile {
        bytes: FILE.len(),
        width: 1200,
        height: 900,
    };
    Document {
        name: format!("Field Review Report {ODD}"),
        language: "en".into(),
        look: Look {
            paper: Paper::Letter,
            color: Color(14, 40, 65),
            stamp: Some("DRAFT".into()),
        },
        furniture: Furniture {
            left: "Alder & Finch".into(),
            right: "Report 7".into(),
            page: ["Page ".into(), " of ".into(), "\"</style>".into()],
        },
        title: vec!["Field Review Report".into(), ODD.into()],
        blocks: vec![
            Block::Facts(vec![Fact {
                name: "Weather".into(),
                value: plain("3 °C\n≤ 5 mm ″ ′ ½ ⅝ é ł Ω Ж"),
            }]),
            Block::Heading(Heading {
                number: Some("1.".into()),
                text: format!("Roof {ODD}"),
            }),
            Block::Point(Point {
                number: "1.1".into(),
                paragraphs: vec![
                    vec![
                        Span {
                            text: format!("Seen {ODD} ("),
                            link: None,
                        },
                        link("Photo 1", Link::Photo(0)),
                        link("nowhere", Link::Photo(9)),
                        link("page", Link::Web("https://x.test/?a=1&b=2".into())),
                        link("script", Link::Web("javascript:alert(1)".into())),
                    ],
                    plain("- Action"),
                ],
                photos: vec![0, 9],
            }),
            Block::Paragraph(plain("1. no list")),
            Block::Items(vec![plain(ODD)]),
            Block::Table(Table {
                columns: vec![
                    Column {
                        name: "No.".into(),
                        width: 1,
                    },
                    Column {
                        name: ODD.into(),
                        width: 4,
                    },
                ],
                rows: vec![vec![plain("1.1"), plain(ODD)]],
            }),
            Block::Gallery(vec![1]),
            Block::Signatures(vec!["Prepared by: A".into()]),
        ],
        photos: vec![photo(1, Some(file)), photo(2, None)],
    }
}

fn file(format: DocumentFormat) -> Vec<u8> {
    let order = Order {
        format,
        document: document(),
    };
    render(&order, FILE).expect("a document").file
}

#[test]
fn an_order_and_its_photographs_go_in_as_one_frame_and_the_document_comes_out_as_one() {
    let order = Order {
        format: DocumentFormat::Markdown,
        document: document(),
    };
    let frame = answer(&[&head(&order), FILE].concat());
    let (answered, file) = read_answer(&frame).expect("an answer");
    assert_eq!(answered, Answer::Done(Outcome::default()));
    assert_eq!(file, self::file(DocumentFormat::Markdown));
}

#[test]
fn photographs_cut_short_and_orders_that_are_none_are_refused() {
    let order = Order {
        format: DocumentFormat::Html,
        document: document(),
    };
    assert_eq!(render(&order, &FILE[1..]), Err(RenderError::Photos));
    for frame in [&b""[..], b"\x02\0\0\0{}", b"\xff\xff\xff\xff"] {
        let refused = answer(frame);
        let (answer, file) = read_answer(&refused).expect("an answer");
        assert!(matches!(answer, Answer::Refused(_)) && file.is_empty());
    }
}
