/// Methods of a settings struct that set one field each and return the struct: `setters! { Options: strict: bool }`.
macro_rules! setters {
    ($name:ident: $($field:ident: $type:ty),* $(,)?) => {
        impl $name {$(
            #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
            #[must_use]
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field.into();
                self
            }
        )*}
    };
}
