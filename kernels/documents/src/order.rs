//! What is asked and answered: a document as a tree of blocks, whose words are all in it. The renderers add none.

use serde::{Deserialize, Serialize};

/// One document to make. The files of its photographs follow the order, in the order of [`Document::photos`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What to make.
    pub format: DocumentFormat,
    /// Of what.
    pub document: Document,
}

/// What a document is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentFormat {
    /// A document for Word and its like.
    Docx,
    /// One page of the web, photographs included.
    Html,
    /// Text for programs and comparisons; photographs are named and not shown.
    #[serde(rename = "md")]
    Markdown,
}

/// What is on the pages, and what they look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The name of the whole, for windows and lists of files.
    pub name: String,
    /// Of the words, as BCP 47 has it: `en`, `fr`.
    pub language: String,
    /// What the pages look like.
    pub look: Look,
    /// What stands on every page.
    pub furniture: Furniture,
    /// The title and the lines below it.
    pub title: Vec<String>,
    /// What follows.
    pub blocks: Vec<Block>,
    /// The photographs that the blocks show, each once.
    pub photos: Vec<Photo>,
}

/// What the pages look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// How large they are.
    pub paper: Paper,
    /// Of headings and lines.
    pub color: Color,
    /// A word across each page, as `DRAFT`.
    pub stamp: Option<String>,
}

/// How large a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paper {
    /// 8½ × 11 inches.
    Letter,
    /// 210 × 297 mm.
    A4,
}

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color(pub u8, pub u8, pub u8);

/// What stands on every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Furniture {
    /// Above, on the left.
    pub left: String,
    /// Above, on the right.
    pub right: String,
    /// Below: the words before a page's number, between it and the number of pages, and after that.
    pub page: [String; 3],
}

/// A part of the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A table of names and what they stand for.
    Facts(Vec<Fact>),
    /// What follows is about this.
    Heading(Heading),
    /// A paragraph.
    Paragraph(Text),
    /// A list without numbers.
    Items(Vec<Text>),
    /// A numbered point below a numbered heading.
    Point(Point),
    /// Rows below a row of names.
    Table(Table),
    /// Photographs, two to a row.
    Gallery(Vec<usize>),
    /// Lines to be signed on, each below what stands at it.
    Signatures(Vec<String>),
}

/// One row of a table of facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub value: Text,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// `1.`, `2.`, … if points below it have numbers.
    pub number: Option<String>,
    /// Its words.
    pub text: String,
}

/// A numbered point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// `1.1`, `1.2`, …
    pub number: String,
    /// At least one.
    pub paragraphs: Vec<Text>,
    /// Those shown below it, by their places in [`Document::photos`].
    pub photos: Vec<usize>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// From the left.
    pub columns: Vec<Column>,
    /// Each with as many cells as there are columns.
    pub rows: Vec<Vec<Text>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What stands at its head.
    pub name: String,
    /// Compared with the other columns.
    pub width: u32,
}

/// Words, some of which lead elsewhere. A line break in them is one.
pub type Text = Vec<Span>;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The words.
    pub text: String,
    /// Where they lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// Where words lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// To a photograph, by its place in [`Document::photos`].
    Photo(usize),
    /// To a page of the web: `http` or `https`.
    Web(String),
}

/// A photograph, with what stands below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// `Photo 1`.
    pub label: String,
    /// What it shows; may be empty.
    pub caption: String,
    /// Its file; none when it cannot be had.
    pub file: Option<PhotoFile>,
    /// What stands in its place without a file.
    pub missing: String,
}

/// The file of a photograph, a JPEG as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoFile {
    /// How long it is.
    pub bytes: usize,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The document, whose file follows the answer.
    Done(Outcome),
    /// Nothing, and why, for people.
    Refused(String),
}

/// What is known of a document that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How many it has, in a format that has pages.
    pub pages: Option<usize>,
    /// Characters that the font lacks, each once; a box stands for them.
    pub unknown_characters: String,
}

/// Words that lead nowhere.
pub fn plain(text: impl Into<String>) -> Text {
    vec![Span {
        text: text.into(),
        link: None,
    }]
}

impl Photo {
    /// What stands below it.
    pub fn line(&self) -> String {
        match self.caption.as_str() {
            "" => self.label.clone(),
            caption => format!("{}: {caption}", self.label),
        }
    }
}

impl Color {
    /// `rrggbb`.
    pub fn hex(self) -> String {
        let Self(red, green, blue) = self;
        format!("{red:02x}{green:02x}{blue:02x}")
    }
}
