open_enum! {
    /// How closely the model looks at an image or a file.
    pub enum Detail {
        /// The service chooses.
        Auto = "auto",
        /// Cheaply.
        Low = "low",
        /// Closely.
        High = "high",
        /// As it is, without scaling: for prompt images only.
        Original = "original",
    }
}

open_enum! {
    /// How hard a model thinks before it speaks.
    pub enum ReasoningEffort {
        /// Hardly.
        Minimal = "minimal",
        /// A little.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// Hard.
        High = "high",
        /// As hard as it can.
        XHigh = "xhigh",
    }
}

open_enum! {
    /// How far an item has come.
    pub enum ItemStatus {
        /// It is whole.
        Completed = "completed",
        /// It was cut short.
        Incomplete = "incomplete",
        /// More of it comes.
        InProgress = "in_progress",
    }
}

open_enum! {
    /// How far a response has come, and how it ended.
    pub enum ResponseStatus {
        /// It ended as it should.
        Completed = "completed",
        /// The client has cancelled it, or the user has begun to speak.
        Cancelled = "cancelled",
        /// It came to nothing, or broke off.
        Failed = "failed",
        /// It was cut off.
        Incomplete = "incomplete",
        /// It has not ended.
        InProgress = "in_progress",
    }
}
