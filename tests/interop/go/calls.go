package main

import (
	"context"
	"fmt"
	"os"

	"github.com/databricks/databricks-sdk-go"
)

// calls counts what passed, and keeps what did not, so that one run shows all differences.
type calls struct {
	ctx    context.Context
	w      *databricks.WorkspaceClient
	passed int
	failed []string
}

// ask makes one call and checks its result; a nil check takes any.
func ask[T any](c *calls, name string, work func() (T, error), holds func(T) bool) T {
	result, err := work()
	switch {
	case err != nil:
		c.failed = append(c.failed, fmt.Sprintf("%s: %v", name, err))
	case holds != nil && !holds(result):
		c.failed = append(c.failed, fmt.Sprintf("%s: unexpected result: %.300v", name, result))
	default:
		c.passed++
	}
	return result
}

// do makes a call without a result.
func do(c *calls, name string, work func() error) {
	ask(c, name, func() (struct{}, error) { return struct{}{}, work() }, nil)
}

// refuse makes a call that must fail with an error for which `fits` holds.
func refuse(c *calls, name string, work func() error, fits func(error) bool) {
	err := work()
	if err != nil && fits(err) {
		c.passed++
		return
	}
	c.failed = append(c.failed, fmt.Sprintf("%s: unexpected error: %v", name, err))
}

func (c *calls) report() int {
	for _, failure := range c.failed {
		fmt.Fprintln(os.Stderr, "FAILED", failure)
	}
	fmt.Printf("%d calls of the Go SDK passed, %d failed\n", c.passed, len(c.failed))
	if len(c.failed) > 0 {
		return 1
	}
	return 0
}
