//! What errors mean, by their messages.
//!
//! # Of the compiler
//!
//! ## A forgotten `.await`
//!
//! > ``error[E0277]: the `?` operator can only be applied to values that implement `Try` ``
//!
//! > ``the `?` operator cannot be applied to type `Call<…>` ``
//!
//! > ``warning: unused `Call` that must be used: a call does nothing until it is awaited``
//!
//! A call is sent when it is awaited; put `.await` in front of `?`. The same holds for a wait, a query, a command and a
//! raw request.
//!
//! ```no_run
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! let cluster = w.clusters().get("0923-164208-meows279").await?;
//! # Ok(())
//! # }
//! ```
//!
//! What does not compile:
//!
//! ```compile_fail,E0277
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! let cluster = w.clusters().get("0923-164208-meows279")?; // no `.await`
//! # Ok(())
//! # }
//! ```
//!
//! ## `StreamExt::next` in place of `try_next`
//!
//! > ``error[E0599]: no method named `next` found for struct `Items<O>` in the current scope``
//!
//! > ``error[E0277]: the `?` operator can only be used on `Result`s, not `Option`s, in an async function that returns
//! `Result` ``
//!
//! > ``error[E0308]: mismatched types … expected `Result<…, Error>`, found `Option<_>` ``
//!
//! Lists, rows and updates are streams of results. Their own `try_next` returns `Result<Option<T>>` and needs no
//! import; `next` of `futures_util::StreamExt` returns `Option<Result<T>>`, so that `?` belongs to the item.
//!
//! ```no_run
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! use futures_util::StreamExt;
//!
//! let mut items = w.clusters().list().items();
//! while let Some(cluster) = items.try_next().await? {
//!     println!("{:?}", cluster.state);
//! }
//! let mut items = w.clusters().list().items();
//! while let Some(cluster) = items.next().await {
//!     println!("{:?}", cluster?.state);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What does not compile:
//!
//! ```compile_fail,E0277
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! use futures_util::StreamExt;
//!
//! let mut items = w.clusters().list().items();
//! while let Some(cluster) = items.next().await? {} // an `Option` has no `?` here
//! # Ok(())
//! # }
//! ```
//!
//! ## A package whose feature is off
//!
//! > ``error[E0599]: no method named `apps` found for reference `&WorkspaceClient` in the current scope``
//! >
//! > ``error[E0433]: cannot find `apps` in `models` ``
//!
//! Each package of the API has a feature. Turn it on: `cargo add databricks-sdk --features apps`, or `--features full`
//! for every package that is not in preview. The [table](#methods-and-features) below states which service is in which
//! package. Packages and operations in preview stand behind `preview-…` and `preview`: see
//! [stability](crate::guide::stability#previews).
//!
#![cfg_attr(
    not(feature = "apps"),
    doc = "What does not compile:\n\n```compile_fail,E0599\n# async fn example(w: databricks_sdk::WorkspaceClient) {\nlet apps = w.apps().list().items(); // without the feature `apps`\n# }\n```"
)]
#![cfg_attr(
    feature = "apps",
    doc = "With it this compiles:\n\n```no_run\n# async fn example(w: databricks_sdk::WorkspaceClient) {\nlet apps = w.apps().list().items();\n# }\n```"
)]
//!
//! ## Swapped arguments
//!
//! > ``error[E0277]: the trait bound `i64: From<&str>` is not satisfied``
//!
//! > ``error[E0277]: the trait bound `std::string::String: From<{integer}>` is not satisfied``
//!
//! Required inputs are arguments in the order of the path, then what identifies before what it is set to. Arguments of
//! different types cannot be swapped unnoticed. The compiler does not see two swapped strings: the service refuses
//! them, mostly with 404, and `with_debug(true)` shows what was sent.
//!
//! ```no_run
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! w.git_credentials().update(7, "gitHub").await?;
//! # Ok(())
//! # }
//! ```
//!
//! What does not compile:
//!
//! ```compile_fail,E0277
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! w.git_credentials().update("gitHub", 7).await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## A dropped handle
//!
//! > ``warning: unused `Statement` that must be used: dropping a statement cancels it: keep it, wait for it or detach
//! it``
//!
//! A statement, command or context whose handle was dropped is cleaned up at the service: the statement is cancelled
//! before it has done anything. Wait for it, keep it, or detach it to let it run on. Runs of jobs and long-running
//! operations are left alone when their handle is dropped.
//!
//! ```no_run
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! w.sql("OPTIMIZE events").warehouse("1234567890abcdef").execute().await?.wait().await?;
//! let statement = w.sql("OPTIMIZE events").warehouse("1234567890abcdef").execute().await?.detach();
//! println!("{} runs on", statement.id());
//! # Ok(())
//! # }
//! ```
//!
//! What does not compile:
//!
//! ```compile_fail
//! # #![deny(unused_must_use)]
//! # async fn example(w: databricks_sdk::WorkspaceClient) -> databricks_sdk::Result<()> {
//! w.sql("OPTIMIZE events").warehouse("1234567890abcdef").execute().await?; // cancelled at the semicolon
//! # Ok(())
//! # }
//! ```
//!
//! ## Others
//!
//! | message | why | what to do |
//! |---|---|---|
//! | ``E0599: no method named `wait` found for struct `Call<…>` `` | the operation starts nothing that could be waited for | await it |
//! | ``E0599: the method `items` exists for struct `Call<…>`, but its trait bounds were not satisfied`` | the operation returns one response, it is not a list | await it |
//! | ``E0599: no method named `timeout` found for struct `Call<O>` `` | options of a call begin with `with_` | `with_timeout`; see [`Call`](crate::Call) |
//!
//! # At run time
//!
//! | message | why | what to do |
//! |---|---|---|
//! | `there is no Tokio runtime here, which calls need` | calls run on [Tokio](https://docs.rs/tokio) | `#[tokio::main]`, or `Runtime::block_on` |
//! | `the Tokio runtime has no timers` (or `no IO`) | the runtime was built without them | `Builder::enable_all()` |
//! | a host, token or profile is missing | no setting states where and as whom to call | set `DATABRICKS_HOST` and `DATABRICKS_TOKEN`, or name a profile: [`Config`](crate::Config) |
//! | `… did not … within …; last state …` | the timeout of a wait has passed | raise it with `.timeout(…)`. Statements and commands are cancelled by a timeout that was set; everything else goes on |
//! | `while waiting for …, which was left as it is` | polls failed for longer than the retry budget, or for good | the work goes on at the service: take it up again by the id in the error |
//! | `no cluster is named …`, `2 of the kind cluster are named …` | names are case-sensitive and need not be unique | use the id |
//!
//! Nothing in the log? A program that wants one installs a `tracing` subscriber; `.with_debug(true)` on a call logs
//! that call.
//!
//! # Methods and features
//!
//! The features of this crate have the names of the packages; `Cargo.toml` lists the services of each. On by default:
//! `compute` (`clusters`, `libraries`, `instance_pools`, contexts and commands), `files`, `iam` (`users`, `groups`,
//! `current_user`), `jobs`, `oauth2`, `settings` (`tokens`), `sql` (`warehouses`, statements), `workspace` (`secrets`,
//! `repos`, notebooks).
