#![cfg_attr(fuzzing, no_main)]

sockless_fuzz::target!(sockless_fuzz::extension_header::check);
