//! The guide: a page per subject, from the first call to moving over from another SDK.
//!
//! The pages are part of the documentation alone; nothing of them is compiled into a program. Every piece of code in
//! them is compiled by the tests.
//!
//! | page | subject |
//! |---|---|
//! | [`first_call`] | a program from `cargo new` to its first response |
//! | [`authenticating`] | every way to authenticate, with the settings that each needs, and what to do when it fails |
//! | [`calling`] | inputs, options of a call, lists, raw requests |
//! | [`waiting`] | clusters, warehouses and other things that take their time |
//! | [`sql`] | statements, parameters, rows, results of any size |
//! | [`files`] | volumes, DBFS, secrets |
//! | [`commands_and_jobs`] | code on clusters, jobs and their runs |
//! | [`errors_and_retries`] | what failed, what is retried, what may have been executed |
//! | [`logging`] | a subscriber, the debug log, spans and metrics |
//! | [`proxies_and_certificates`] | networks of companies |
//! | [`testing`] | the embedded workspace, faults on demand, scripted connections |
//! | [`layers_and_features`] | which crate and which features to take, and what they cost |
//! | [`only_auth`], [`only_transport`], [`only_models`], [`only_core`] | users of one layer |
//! | [`stability`] | versions, the oldest supported compiler, what may change |
//! | [`moving`] | side by side with the SDKs for Python, Go and Java |

/// Declares a page: a module without items.
macro_rules! pages {
    ($($name:ident)*) => {$(
        #[doc = include_str!(concat!(stringify!($name), ".md"))]
        pub mod $name {}
    )*};
}

pages! {
    first_call
    authenticating
    calling
    waiting
    sql
    files
    commands_and_jobs
    errors_and_retries
    logging
    proxies_and_certificates
    testing
    layers_and_features
    only_auth
    only_transport
    only_models
    only_core
    stability
    moving
}
