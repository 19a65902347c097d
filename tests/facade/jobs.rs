//! Runs of jobs.
