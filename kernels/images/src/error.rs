//! Why nothing can be made of a file.

/// Why nothing can be made of a file. Its words are for whoever sent the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// iPhones' own format.
    #[error(
        "it is HEIC: convert it to JPEG before the upload, as browsers on phones do for an input that accepts image/jpeg"
    )]
    Heic,
    /// A web page, as servers answer it to those who are not signed in.
    #[error("it is a web page, expected a photograph")]
    WebPage,
    /// Anything else.
    #[error("expected JPEG, PNG or WebP")]
    Unsupported,
    /// More pixels than anybody photographs.
    #[error("it has {width} × {height} pixels, expected at most {most_megapixels} million")]
    TooManyPixels {
        /// As the file says.
        width: u32,
        /// As the file says.
        height: u32,
        /// What is allowed.
        most_megapixels: u32,
    },
    /// It would have to be in memory as a whole, and there is not enough.
    #[error(
        "it has {width} × {height} pixels and takes {mebibytes} MiB to decode, expected at most {most_mebibytes}; a baseline JPEG takes less"
    )]
    TooLarge {
        /// As the file says.
        width: u32,
        /// As the file says.
        height: u32,
        /// What it takes.
        mebibytes: usize,
        /// What there is.
        most_mebibytes: usize,
    },
    /// The end of the file is missing.
    #[error("the end of the file is missing")]
    Truncated,
    /// The decoder gave up.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// What was asked for is no order.
    #[error("the order cannot be read: {0}")]
    Order(String),
    /// What came out cannot be written.
    #[error("it cannot be encoded: {0}")]
    Encoding(String),
}
