use std::collections::BTreeMap;

use super::Detail;
use crate::wire::Id;

wire! {
    /// A prompt template that is stored with the service.
    pub struct Prompt as "id" {
        /// The template's id (`pmpt_...`).
        req id: Id,
        /// Which version; the latest by null or if left out.
        patch version: String,
        /// What its variables stand for.
        patch variables: BTreeMap<String, PromptVariable>,
    }

    /// A text for a variable.
    pub struct PromptText as "text" {
        /// The text.
        req text: String,
        /// Marks the end of a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// An image for a variable, by its URL or as a stored file.
    pub struct PromptImage {
        /// A URL, or a data URL that holds the image.
        opt image_url: String,
        /// A stored file.
        opt file_id: Id,
        /// How closely the model looks.
        opt detail: Detail,
        /// Marks the end of a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// A file for a variable: stored, at a URL, or right here.
    pub struct PromptFile {
        /// A stored file.
        opt file_id: Id,
        /// Its name.
        opt filename: String,
        /// What is in it, in base64.
        opt file_data: String,
        /// Where it is.
        opt file_url: String,
        /// How closely the model looks.
        opt detail: Detail,
        /// Marks the end of a prefix to be cached.
        opt prompt_cache_breakpoint: PromptCacheBreakpoint,
    }

    /// The end of a prefix of the prompt that is to be cached.
    pub struct PromptCacheBreakpoint {
        /// How it was set.
        req mode: BreakpointMode,
        /// How long the cache is kept.
        opt ttl: CacheTtl,
    }
}

open_enum! {
    /// How the end of a cached prefix was set.
    pub enum BreakpointMode {
        /// By hand.
        Explicit = "explicit",
    }
}

open_enum! {
    /// How long a cached prefix is kept.
    pub enum CacheTtl {
        /// 30 minutes.
        Minutes30 = "30m",
        /// 12 hours.
        Hours12 = "12h",
    }
}

union! {
    /// What a variable of a prompt template stands for.
    pub enum PromptVariable {
        text {
            /// A bare text.
            Plain
        }
        objects {
            /// A text, with a mark for the cache.
            "input_text" => Text(PromptText),
            /// An image.
            "input_image" => Image(PromptImage),
            /// A file.
            "input_file" => File(PromptFile),
        }
    }
}
