//! The members of an object.

use serde::de::IgnoredAny;

use super::{FromPlain, Plain};
use crate::wire::Patch;

/// Where the decoding of an object is.
pub(crate) struct Progress {
    /// The members that were decoded, as bits.
    pub(crate) seen: u64,
    /// Whether there is another.
    pub(crate) more: bool,
}

/// The tag's place among them.
const TAG: u32 = u64::BITS - 1;

impl Progress {
    /// Notes that a member is decoded. `None` if it is the second time. No struct has as many members as there are bits.
    #[inline]
    fn once(&mut self, member: u32) -> Option<()> {
        let bit = 1 << member;
        let before = self.seen;
        self.seen |= bit;
        (before & bit == 0).then_some(())
    }
}

/// Each of these, named like the kind of a field, decodes a member whose name was taken, and goes to the next.
impl Plain<'_> {
    #[inline]
    pub(crate) fn begin_members(&mut self) -> Option<Progress> {
        Some(Progress { seen: 0, more: self.begin(b'{', b'}')? })
    }

    /// A member that may be null.
    pub(crate) fn optional<T: FromPlain>(
        &mut self,
        member: u32,
        slot: &mut Option<T>,
        at: &mut Progress,
    ) -> Option<()> {
        at.once(member)?;
        if !self.null()? {
            T::fill(slot, self)?;
        }
        self.go_on(at)
    }

    /// A member that must not be null.
    pub(crate) fn required<T: FromPlain>(
        &mut self,
        member: u32,
        slot: &mut Option<T>,
        at: &mut Progress,
    ) -> Option<()> {
        at.once(member)?;
        if self.null()? {
            return None;
        }
        T::fill(slot, self)?;
        self.go_on(at)
    }

    /// A member that is JSON as text.
    pub(crate) fn source<T: FromPlain>(&mut self, member: u32, slot: &mut Option<T>, at: &mut Progress) -> Option<()> {
        self.required(member, slot, at)
    }

    /// A member that has a default only if it is decoded leniently.
    pub(crate) fn soft<T: FromPlain>(&mut self, member: u32, slot: &mut Option<T>, at: &mut Progress) -> Option<()> {
        self.required(member, slot, at)
    }

    /// A member for which null has a meaning.
    pub(crate) fn patch<T: FromPlain>(&mut self, member: u32, slot: &mut Patch<T>, at: &mut Progress) -> Option<()> {
        at.once(member)?;
        *slot = FromPlain::from_plain(self)?;
        self.go_on(at)
    }

    /// Skips a member that is not known. The tag of a union is one, but only once. `is_mended` says that the others may be
    /// those of an older form.
    pub(crate) fn skip(&mut self, is_mended: bool, at: &mut Progress) -> Option<()> {
        match self.name()? {
            "type" => at.once(TAG)?,
            _ if is_mended => return None,
            _ => {}
        }
        if self.string().is_none() {
            self.by_serde::<IgnoredAny>()?;
        }
        self.go_on(at)
    }

    #[inline]
    fn go_on(&mut self, at: &mut Progress) -> Option<()> {
        at.more = self.more(b'}')?;
        Some(())
    }
}
