//! Heavy pure work outside the worker's own memory.

/// Pure functions from bytes to bytes, in a Wasm module of their own that is loaded when it is first needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Photographs: the crate `image_kernel`.
    Images,
    /// Documents: the crate `document_kernel`.
    Documents,
}

/// Why a kernel gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// It could not be loaded, whatever the input: the log says why.
    #[error("a part of the function could not be loaded (its log says why): deploy it again")]
    NotLoaded,
    /// It stopped over this input, or took up its memory.
    #[error("it is too much to be processed")]
    Stopped,
}
