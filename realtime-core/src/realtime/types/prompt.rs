use std::collections::BTreeMap;

use super::Detail;
use crate::wire::Id;

wire! {
    /// A reference to a prompt template stored by the service.
    pub struct Prompt as "id" {
        /// Id of the template (`pmpt_...`).
        req id: Id,
        /// Version. The latest if null or unset.
        patch version: String,
        /// Values of its variables.
        patch variables: BTreeMap<String, PromptVariable>,
    }

    /// A text value of a prompt variable.
    pub struct PromptText as "text" {
        /// The text.
        req text: String,
        /// Ends a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// An image value of a prompt variable, given by URL or as a stored file.
    pub struct PromptImage {
        /// URL, or data URL with the image.
        opt image_url: String,
        /// Id of a stored file.
        opt file_id: Id,
        /// How closely the model looks.
        opt detail: Detail,
        /// Ends a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// A file value of a prompt variable: stored, given by URL, or inline.
    pub struct PromptFile {
        /// Id of a stored file.
        opt file_id: Id,
        /// Name of the file.
        opt filename: String,
        /// Content in base64.
        opt file_data: String,
        /// URL of the file.
        opt file_url: String,
        /// How closely the model looks.
        opt detail: Detail,
        /// Ends a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// End of a prefix of the prompt that is cached.
    pub struct PromptCacheBreakpoint {
        /// How the end was chosen.
        req mode: BreakpointMode,
        /// Lifetime of the cache entry.
        opt ttl: CacheTtl,
    }
}

open_enum! {
    /// How the end of a cached prefix was chosen.
    pub enum BreakpointMode {
        /// Explicitly.
        Explicit = "explicit",
    }
}

open_enum! {
    /// Lifetime of a cached prefix.
    pub enum CacheTtl {
        /// 30 minutes.
        Minutes30 = "30m",
        /// 12 hours.
        Hours12 = "12h",
    }
}

union! {
    /// Value of a prompt variable.
    pub enum PromptVariable {
        text {
            /// Plain text.
            Plain
        }
        objects {
            /// Text with options.
            "input_text" => Text(PromptText),
            /// An image.
            "input_image" => Image(PromptImage),
            /// A file.
            "input_file" => File(PromptFile),
        }
    }
}
