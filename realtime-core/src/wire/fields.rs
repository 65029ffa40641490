/// Defines a struct of the wire format with its constructor and setters, one line per field.
///
/// | line | field | on the wire |
/// |---|---|---|
/// | `req name: String` | `String` | always there |
/// | `req_int index: u32` | `u32` | always there; read from `12` or `12.0` |
/// | `req_text delta: String` | `String` | always there; read though a character was cut in half |
/// | `req_json arguments: String` | `String` | likewise; an object that stands there is read as its text |
/// | `soft part: ContentPart` | `ContentPart` | always written; its default stands where it cannot be read |
/// | `soft_session session: SessionInfo` | `SessionInfo` | likewise; strictly read in its current form only |
/// | `opt voice: Voice` | `Option<Voice>` | left out if `None`; absent and null are `None` |
/// | `opt_int rate: u32`, `opt_text text: String` | `Option<..>` | likewise |
/// | `loose code: String` | `Option<..>` | likewise; what does not fit is `None` too |
/// | `deep audio: AudioConfig` | `Option<..>` | likewise; its setter adds to what was set: see [`merged!`] |
/// | `list tools: Tool` | `Option<Vec<Tool>>` | likewise; an empty list is written |
/// | `patch prompt: Prompt`, `patch_int ..`, `patch_text ..` | `Patch<..>` | left out, null, or the value |
///
/// `opt kind as "type": Kind` has another name on the wire, which serde's `rename` would tell serde alone;
/// `req event | "digit": String` has an older one that is read too.
/// `struct Failure as "message"` may be a bare text, which stands for that member. Members of `struct FunctionTool within
/// "function"` may stand in an object of that name. `mended by function` lets the function see the whole message after
/// a lenient reading.
///
/// What does not fit is read once more by [`Lenient`](crate::wire::Lenient), member by member.
///
/// Without required fields the struct has `Default` (and a test that it is written as `{}`), else `new` takes them in
/// the order of their lines. Every other field has a consuming setter of its own name.
macro_rules! wire {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident $(as $short:literal)? $(within $within:literal)? $(mended by $mend:ident)? {
            $($body:tt)*
        }
    )+) => {
        $(wire!(@field ([$(#[$meta])*] $name [] [] [] [] ([$($short)?] [$($within)?] [$($mend)?])) $($body)*);)+
    };

    // The keyword of a field determines how it is read leniently, how it is read strictly, and what its setter accepts.
    (@field $c:tt $(#[$d:meta])* req $($rest:tt)*) => {
        wire!(@req $c required [] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* req_int $($rest:tt)*) => {
        wire!(@req_plain $c required ["crate::wire::int::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* req_text $($rest:tt)*) => {
        wire!(@req $c required ["crate::wire::text::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* req_json $($rest:tt)*) => {
        wire!(@req $c source ["crate::wire::text::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* soft $($rest:tt)*) => {
        wire!(@req $c soft [] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* soft_session $($rest:tt)*) => {
        wire!(@req $c soft ["crate::realtime::types::session_info::read_current"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* opt $($rest:tt)*) => {
        wire!(@opt $c [] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* opt_int $($rest:tt)*) => {
        wire!(@opt_plain $c ["crate::wire::int::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* opt_text $($rest:tt)*) => {
        wire!(@opt $c ["crate::wire::text::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* loose $($rest:tt)*) => {
        wire!(@opt $c ["crate::wire::loose"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* deep $($rest:tt)*) => {
        wire!(@deep $c [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* list $($rest:tt)*) => {
        wire!(@list $c [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* patch $($rest:tt)*) => {
        wire!(@patch $c [] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* patch_int $($rest:tt)*) => {
        wire!(@patch $c ["crate::wire::int::read"] [$(#[$d])*] $($rest)*);
    };
    (@field $c:tt $(#[$d:meta])* patch_text $($rest:tt)*) => {
        wire!(@patch $c ["crate::wire::text::read"] [$(#[$d])*] $($rest)*);
    };

    (@req ($m:tt $n:ident [$($f:tt)*] [$($r:tt)*] $s:tt [$($l:tt)*] $o:tt) $lenient:ident [$($read:literal)?] [$($d:tt)*]
        $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])* $(#[serde(deserialize_with = $read)])?
                pub $x: $t,]
            [$($r)* { $x: impl Into<$t> = $x.into() }] $s
            [$($l)* { $x $lenient [$($w)?] [$($a)*] }] $o) $($rest)*);
    };
    (@req_plain ($m:tt $n:ident [$($f:tt)*] [$($r:tt)*] $s:tt [$($l:tt)*] $o:tt) $lenient:ident [$read:literal]
        [$($d:tt)*] $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])* #[serde(deserialize_with = $read)]
                pub $x: $t,]
            [$($r)* { $x: $t = $x }] $s
            [$($l)* { $x $lenient [$($w)?] [$($a)*] }] $o) $($rest)*);
    };
    (@opt ($m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] [$($l:tt)*] $o:tt) [$($read:literal)?] [$($d:tt)*]
        $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])* $(#[serde(deserialize_with = $read)])?
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $x: Option<$t>,]
            $r [$($s)* { $x: impl Into<$t> = Some($x.into()) }]
            [$($l)* { $x optional [$($w)?] [$($a)*] }] $o) $($rest)*);
    };
    (@opt_plain ($m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] [$($l:tt)*] $o:tt) [$read:literal] [$($d:tt)*]
        $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])*
                #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = $read)]
                pub $x: Option<$t>,]
            $r [$($s)* { $x: $t = Some($x) }]
            [$($l)* { $x optional [$($w)?] [$($a)*] }] $o) $($rest)*);
    };
    (@deep ($m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] [$($l:tt)*] $o:tt) [$($d:tt)*] $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* #[serde(default, skip_serializing_if = "Option::is_none")] pub $x: Option<$t>,]
            $r [$($s)* { deep $x: $t }]
            [$($l)* { $x optional [] [] }] $o) $($rest)*);
    };
    (@list ($m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] [$($l:tt)*] $o:tt) [$($d:tt)*]
        $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $x: Option<Vec<$t>>,]
            $r [$($s)* {
                $x: impl IntoIterator<Item = impl Into<$t>> = Some($x.into_iter().map(Into::into).collect())
            }]
            [$($l)* { $x optional [$($w)?] [$($a)*] }] $o) $($rest)*);
    };
    (@patch ($m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] [$($l:tt)*] $o:tt) [$($read:literal)?] [$($d:tt)*]
        $x:ident $(as $w:literal)? $(| $a:literal)*: $t:ty, $($rest:tt)*) => {
        wire!(@field ($m $n
            [$($f)* $($d)* $(#[serde(rename = $w)])? $(#[serde(alias = $a)])* $(#[serde(deserialize_with = $read)])?
                #[serde(default, skip_serializing_if = "crate::wire::Patch::is_keep")]
                pub $x: crate::wire::Patch<$t>,]
            $r [$($s)* { $x: impl Into<crate::wire::Patch<$t>> = $x.into() }]
            [$($l)* { $x patch [$($w)?] [$($a)*] }] $o) $($rest)*);
    };

    (@field ([$($m:tt)*] $n:ident [$($f:tt)*] [] $s:tt $l:tt $o:tt)) => {
        wire!(@emit [$($m)* #[derive(Default)]] $n [$($f)*] $s);
        wire!(@lenient $n $l $o);
        wire!(@plain $n $l $o);

        #[cfg(test)]
        #[test]
        #[allow(non_snake_case)] // named after its struct
        fn $n() {
            assert_eq!(serde_json::to_string(&<$n>::default()).ok().as_deref(), Some("{}"));
        }
    };
    (@field ($m:tt $n:ident $f:tt [$({ $x:ident: $t:ty = $value:expr })+] [$({ $y:ident: $u:ty = $other:expr })*]
        $l:tt $o:tt)) => {
        wire!(@emit $m $n $f [$({ $y: $u = $other })*]);
        wire!(@lenient $n $l $o);
        wire!(@plain_new $n $l $o);

        impl $n {
            /// Creates the struct with its required members.
            #[allow(clippy::too_many_arguments)] // as many as the wire requires
            pub fn new($($x: $t),+) -> Self {
                Self { $($x: $value,)+ $($y: Default::default(),)* }
            }
        }
    };

    (@emit [$($m:tt)*] $n:ident [$($f:tt)*] [$($setter:tt)*]) => {
        $($m)*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $n { $($f)* }

        impl $n {
            $(wire!(@setter $setter);)*
        }
    };

    (@setter { deep $x:ident: $t:ty }) => {
        #[doc = concat!(
            "Merges into [`", stringify!($x), "`](Self#structfield.", stringify!($x),
            "): members that are set replace the current ones, the others keep their values."
        )]
        #[must_use]
        pub fn $x(mut self, $x: impl Into<$t>) -> Self {
            self.$x.get_or_insert_default().merge($x.into());
            self
        }
    };
    (@setter { $x:ident: $t:ty = $value:expr }) => {
        #[doc = concat!("Sets [`", stringify!($x), "`](Self#structfield.", stringify!($x), ").")]
        #[must_use]
        pub fn $x(mut self, $x: $t) -> Self {
            self.$x = $value;
            self
        }
    };

    (@lenient $n:ident [$({ $x:ident $read:ident [$($w:literal)?] [$($a:literal)*] })*]
        ([$($short:literal)?] [$($within:literal)?] [$($mend:ident)?])) => {
        impl $crate::wire::Lenient for $n {
            const EXPECTED: &'static str = "an object";

            fn read(value: &serde_json::value::RawValue, notes: &mut $crate::wire::Notes) -> Option<Self> {
                const NAMES: &[&str] = &[$(wire!(@name $x $($w)?), $($a,)*)*];
                let members =
                    $crate::wire::Members::find(value, NAMES, wire!(@some $($short)?), wire!(@some $($within)?))?;
                // The struct of an event without members needs neither.
                let _ = (&members, &notes);
                let read = Self { $($x: members.$read(wire!(@name $x $($w)?), &[$($a),*], notes)?,)* };
                $(let read = $mend(read, value, notes);)?
                Some(read)
            }

            wire!(@list_of $n);
        }
    };

    // Without required members the struct is filled where it belongs: moving it there takes as long as reading it.
    (@plain $n:ident [$({ $x:ident $read:ident $w:tt $a:tt })*] $o:tt) => {
        impl $crate::wire::FromPlain for $n {
            fn from_plain(text: &mut $crate::wire::Plain<'_>) -> Option<Self> {
                let mut slot = None;
                Self::fill(&mut slot, text)?;
                slot
            }

            fn fill(slot: &mut Option<Self>, text: &mut $crate::wire::Plain<'_>) -> Option<()> {
                let Self { $($x,)* } = slot.insert(Self::default());
                wire!(@members text [$({ $x $read $w $a })*] $o);
                Some(())
            }
        }
    };
    (@plain_new $n:ident [$({ $x:ident $read:ident $w:tt $a:tt })*] $o:tt) => {
        impl $crate::wire::FromPlain for $n {
            fn from_plain(text: &mut $crate::wire::Plain<'_>) -> Option<Self> {
                $(let mut $x = Default::default();)*
                {
                    $(let $x = &mut $x;)*
                    wire!(@members text [$({ $x $read $w $a })*] $o);
                }
                Some(Self { $($x: wire!(@taken $read $x),)* })
            }
        }
    };
    (@members $text:ident [$({ $x:ident $read:ident [$($w:literal)?] [$($a:literal)*] })*]
        ([$($short:literal)?] [$($within:literal)?] [$($mend:ident)?])) => {
        #[allow(dead_code, non_camel_case_types)] // named after its fields, if it has any
        enum Member { $($x,)* }

        let mut at = $text.begin_members()?;
        while at.more {
            let before = at.seen;
            // Members are nearly always in the same order, so the one after the last is compared first.
            $(
                if at.more && (wire!(@is $text $x $($w)?) $(|| wire!(@is $text $x $a))*) {
                    $text.$read(Member::$x as u32, $x, &mut at)?;
                }
            )*
            if at.more && at.seen == before {
                $text.skip(wire!(@is_mended $($mend)?), &mut at)?;
            }
        }
    };
    (@taken optional $x:ident) => { $x };
    (@taken patch $x:ident) => { $x };
    (@taken $required:ident $x:ident) => { $x? };
    (@is $text:ident $x:ident) => { $text.word(concat!("\"", stringify!($x), "\":")) };
    (@is $text:ident $x:ident $wire:literal) => { $text.word(concat!("\"", $wire, "\":")) };
    (@is_mended) => { false };
    (@is_mended $mend:ident) => { true };
    (@name $x:ident) => { stringify!($x) };
    (@name $x:ident $wire:literal) => { $wire };
    (@some) => { None };
    (@some $value:literal) => { Some($value) };
    // A list of content parts keeps the positions of unreadable elements, and may be a plain string.
    (@list_of ContentPart) => {
        fn placeholder() -> Option<Self> {
            Some(Self::default())
        }

        fn in_place_of_list(value: &serde_json::value::RawValue, notes: &mut $crate::wire::Notes) -> Option<Self> {
            value.get().starts_with('"').then(|| Self::read(value, notes)).flatten()
        }
    };
    (@list_of $other:ident) => {};
}

/// Merging of `deep` fields: a `leaf` member replaces the previous one, members after the semicolon are merged
/// recursively. A member that is not listed is a compile error.
macro_rules! merged {
    ($($name:ident { $($leaf:ident),* $(; $($deep:ident),+)? })+) => {$(
        impl $name {
            fn merge(&mut self, later: Self) {
                let Self { $($leaf,)* $($($deep,)+)? } = later;
                $(crate::wire::Leaf::lay_over($leaf, &mut self.$leaf);)*
                $($(if let Some(deep) = $deep {
                    self.$deep.get_or_insert_default().merge(deep);
                })+)?
            }
        }
    )+};
}
