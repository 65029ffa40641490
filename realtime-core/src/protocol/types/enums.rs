open_enum! {
    /// How closely the model looks at an image or a file.
    pub enum Detail {
        /// The service chooses.
        Auto = "auto",
        /// Low detail, at lower cost.
        Low = "low",
        /// High detail.
        High = "high",
        /// The original, without scaling. For prompt images only.
        Original = "original",
    }
}

open_enum! {
    /// How much a reasoning model thinks before it speaks.
    pub enum ReasoningEffort {
        /// `minimal`
        Minimal = "minimal",
        /// `low`
        Low = "low",
        /// `medium`
        Medium = "medium",
        /// `high`
        High = "high",
        /// `xhigh`
        XHigh = "xhigh",
    }
}

open_enum! {
    /// Status of an item.
    pub enum ItemStatus {
        /// The item is complete.
        Completed = "completed",
        /// The item was cut short.
        Incomplete = "incomplete",
        /// The item is being generated.
        InProgress = "in_progress",
    }
}

open_enum! {
    /// Status of a response.
    pub enum ResponseStatus {
        /// It completed.
        Completed = "completed",
        /// It was cancelled by the client, or because the user began to speak.
        Cancelled = "cancelled" | "canceled",
        /// It failed.
        Failed = "failed",
        /// It was cut off by a token limit or a content filter.
        Incomplete = "incomplete",
        /// It is in progress.
        InProgress = "in_progress",
    }
}
