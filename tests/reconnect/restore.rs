//! What of a conversation can be made anew.
