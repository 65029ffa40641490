//! The macro that defines the parts of a snapshot.

/// Defines structs of a snapshot. On paper every member may be absent, and stands for its default then. Members that this
/// version does not know are kept, and written again. An error names the path to the member.
macro_rules! saved {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* $field:ident $(as $wire:literal)?: $type:ty,)*
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            /// Members that this version does not know.
            unknown: Vec<(Box<str>, $crate::wire::Json)>,
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;

                let mut map = serializer.serialize_map(None)?;
                $(if self.$field != <$type>::default() {
                    map.serialize_entry(saved!(@name $field $($wire)?), &self.$field)?;
                })*
                for (name, json) in &self.unknown {
                    map.serialize_entry(name, json)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        while let Some(name) = map.next_key::<Box<str>>()? {
                            match &*name {
                                $(saved!(@name $field $($wire)?) => {
                                    read.$field = map.next_value().map_err(|error: A::Error| {
                                        serde::de::Error::custom(format_args!("`{name}`: {error}"))
                                    })?;
                                })*
                                _ => read.unknown.push((name, map.next_value()?)),
                            }
                        }
                        Ok(read)
                    }
                }

                deserializer.deserialize_map(Visitor)
            }
        }
    )+};
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };
}
