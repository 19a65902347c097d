//! What errors mean, by their text.
//!
//! # Of the compiler
//!
//! | it says | why | what to do |
//! |---|---|---|
//! | E0599 `no method named `clusters` found for reference `&WorkspaceClient`` (or for struct `AccountClient`) | each package of the API has a feature, and this one is off | turn the package's feature on: `cargo add databricks-sdk --features compute`; every package: `--features full`. The [table](#methods-and-features) below says which service is in which package |
//! | E0277 `the `?` operator can only be applied to values that implement `Try``, for `Call<…>` | a call is not sent before it is awaited | put `.await` in front of `?`: `w.clusters().get(id).await?` |
//! | `unused … that must be used: a call does nothing until it is awaited` | the same | `.await` |
//! | E0599 `no method named `items` found for struct `Call<…>`` | the operation returns one response, it is not a list | await it |
//! | E0599 `no method named `wait` found for struct `Call<…>`` | the operation starts nothing that could be waited for | await it |
//! | E0433 or E0432 naming `models::…` or `sql` | the package's feature is off | as above |
//!
//! # At run time
//!
//! | it says | why | what to do |
//! |---|---|---|
//! | `there is no Tokio runtime here, which calls need` | calls run on [Tokio](https://docs.rs/tokio) | `#[tokio::main]`, or `Runtime::block_on` |
//! | `the Tokio runtime has no timers` (or `no IO`) | the runtime was built without them | `Builder::enable_all()` |
//! | a host, token or profile is missing | no setting says where and as whom to call | set `DATABRICKS_HOST` and `DATABRICKS_TOKEN`, or name a profile: [`Config`](crate::Config) |
//! | `… did not … within …; last state …` | the timeout of a wait has passed | raise it with `.timeout(…)`. Statements and commands are cancelled by a timeout that was set; everything else goes on |
//! | `while waiting for …, which was left as it is` | polls failed for longer than the retry budget, or for good | the work goes on at the service: take it up again by the id in the error |
//! | `no cluster is named …`, `2 of the kind cluster are named …` | names are case-sensitive and need not be unique | use the id |
//!
//! Nothing in the log? A program that wants one installs a `tracing` subscriber; `.with_debug(true)` on a call logs that call.
//!
//! # Methods and features
//!
//! The features of this crate have the names of the packages; `Cargo.toml` lists the services of each. On by default: `compute`
//! (`clusters`, `libraries`, `instance_pools`, contexts and commands), `files`, `iam` (`users`, `groups`, `current_user`), `jobs`, `oauth2`,
//! `settings` (`tokens`), `sql` (`warehouses`, statements), `workspace` (`secrets`, `repos`, notebooks).
