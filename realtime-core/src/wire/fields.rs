/// A struct of the wire, its constructor and its setters, from one line a field.
///
/// | line | field | on the wire |
/// |---|---|---|
/// | `req name: String` | `String` | always there |
/// | `req_int index: u32` | `u32` | always there; read from `12` or `12.0` |
/// | `req_text delta: String` | `String` | always there; read though a character was cut in half |
/// | `opt voice: Voice` | `Option<Voice>` | left out if `None`; absent and null are `None` |
/// | `opt_int rate: u32`, `opt_text text: String` | `Option<..>` | likewise |
/// | `loose code: String` | `Option<..>` | likewise; what does not fit is `None` too |
/// | `deep audio: AudioConfig` | `Option<..>` | likewise; its setter adds to what was set: see [`merged!`] |
/// | `list tools: Tool` | `Option<Vec<Tool>>` | likewise; an empty list is written |
/// | `patch prompt: Prompt`, `patch_int ..`, `patch_text ..` | `Patch<..>` | left out, null, or the value |
///
/// Without required fields the struct has `Default` (and a test that it is written as `{}`), else `new` takes them in
/// the order of their lines. Every other field has a consuming setter of its own name.
macro_rules! wire {
    ($($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* })+) => {
        $(wire!(@field [$(#[$meta])*] $name [] [] [] $($body)*);)+
    };

    (@field $m:tt $n:ident [$($f:tt)*] [$($r:tt)*] $s:tt $(#[$d:meta])* req $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n [$($f)* $(#[$d])* pub $x: $t,] [$($r)* { $x: impl Into<$t> = $x.into() }] $s $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] [$($r:tt)*] $s:tt $(#[$d:meta])* req_int $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])* #[serde(deserialize_with = "crate::wire::int::read")] pub $x: $t,]
            [$($r)* { $x: $t = $x }] $s $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] [$($r:tt)*] $s:tt $(#[$d:meta])* req_text $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])* #[serde(deserialize_with = "crate::wire::text::read")] pub $x: $t,]
            [$($r)* { $x: impl Into<$t> = $x.into() }] $s $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* opt $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $x: Option<$t>,]
            $r [$($s)* { $x: impl Into<$t> = Some($x.into()) }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* loose $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::wire::loose")]
                pub $x: Option<$t>,]
            $r [$($s)* { $x: impl Into<$t> = Some($x.into()) }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* opt_int $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::wire::int::read")]
                pub $x: Option<$t>,]
            $r [$($s)* { $x: $t = Some($x) }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* opt_text $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::wire::text::read")]
                pub $x: Option<$t>,]
            $r [$($s)* { $x: impl Into<$t> = Some($x.into()) }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* deep $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $x: Option<$t>,]
            $r [$($s)* { deep $x: $t }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* list $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $x: Option<Vec<$t>>,]
            $r [$($s)* {
                $x: impl IntoIterator<Item = impl Into<$t>> = Some($x.into_iter().map(Into::into).collect())
            }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* patch $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(default, skip_serializing_if = "crate::wire::Patch::is_keep")]
                pub $x: crate::wire::Patch<$t>,]
            $r [$($s)* { $x: impl Into<crate::wire::Patch<$t>> = $x.into() }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* patch_int $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(
                    default,
                    skip_serializing_if = "crate::wire::Patch::is_keep",
                    deserialize_with = "crate::wire::int::read"
                )]
                pub $x: crate::wire::Patch<$t>,]
            $r [$($s)* { $x: impl Into<crate::wire::Patch<$t>> = $x.into() }] $($rest)*);
    };
    (@field $m:tt $n:ident [$($f:tt)*] $r:tt [$($s:tt)*] $(#[$d:meta])* patch_text $x:ident: $t:ty, $($rest:tt)*) => {
        wire!(@field $m $n
            [$($f)* $(#[$d])*
                #[serde(
                    default,
                    skip_serializing_if = "crate::wire::Patch::is_keep",
                    deserialize_with = "crate::wire::text::read"
                )]
                pub $x: crate::wire::Patch<$t>,]
            $r [$($s)* { $x: impl Into<crate::wire::Patch<$t>> = $x.into() }] $($rest)*);
    };

    (@field [$($m:tt)*] $n:ident [$($f:tt)*] [] $s:tt) => {
        wire!(@emit [$($m)* #[derive(Default)]] $n [$($f)*] $s);

        #[cfg(test)]
        #[test]
        #[allow(non_snake_case)] // named after its struct
        fn $n() {
            assert_eq!(serde_json::to_string(&<$n>::default()).ok().as_deref(), Some("{}"));
        }
    };
    (@field $m:tt $n:ident $f:tt [$({ $x:ident: $t:ty = $value:expr })+] [$({ $y:ident: $u:ty = $other:expr })*]) => {
        wire!(@emit $m $n $f [$({ $y: $u = $other })*]);
        impl $n {
            /// With what it cannot be without.
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
            "Sets what is set in this of [`", stringify!($x), "`](Self#structfield.", stringify!($x),
            "), and leaves the rest of it as it was."
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
}

/// How members of a `deep` field are laid over those that were set before: its `leaf` members replace, those behind the
/// semicolon are laid over in turn. A member that is not named is a compile error.
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
