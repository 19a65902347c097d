// Calls of the official Go SDK over the services of the embedded workspace.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/databricks/databricks-sdk-go"
)

func main() {
	w, err := databricks.NewWorkspaceClient()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c := &calls{ctx: context.Background(), w: w}
	computeCalls(c)
	jobCalls(c)
	sqlCalls(c)
	fileCalls(c)
	identityCalls(c)
	catalogCalls(c)
	mlCalls(c)
	os.Exit(c.report())
}
