//! Closed sets of names: one spelling for database, files and output, and the way back.

/// A name that belongs to no value of a closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no {what}")]
pub struct UnknownName {
    /// The set: "stage", "grade" …
    pub what: &'static str,
    /// What was written.
    pub name: String,
}

/// A closed set of names: the enum, its names in database and output, and the way back.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The name in database and output.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::names::UnknownName;

            fn from_str(name: &str) -> Result<$name, $crate::domain::names::UnknownName> {
                $name::ALL
                    .iter()
                    .copied()
                    .find(|value| value.name() == name)
                    .ok_or_else(|| $crate::domain::names::UnknownName { what: $what, name: name.to_owned() })
            }
        }
    };
}

pub(super) use names;
