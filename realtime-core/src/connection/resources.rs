//! Resources named like the wire's.
