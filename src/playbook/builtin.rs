pub(super) const BUILTIN: &[(&str,&str)] = &[];
