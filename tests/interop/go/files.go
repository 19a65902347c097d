package main

import (
	"errors"
	"io"
	"strings"

	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/service/files"
	"github.com/databricks/databricks-sdk-go/service/workspace"
)

func fileCalls(c *calls) {
	w, ctx := c.w, c.ctx
	do(c, "dbfs.write", func() error { return w.Dbfs.WriteFile(ctx, "/tmp/go.txt", []byte(strings.Repeat("x", 2_000_000))) })
	ask(c, "dbfs.read", func() ([]byte, error) { return w.Dbfs.ReadFile(ctx, "/tmp/go.txt") },
		func(data []byte) bool { return len(data) == 2_000_000 })
	ask(c, "dbfs.get_status", func() (*files.FileInfo, error) { return w.Dbfs.GetStatusByPath(ctx, "/tmp/go.txt") },
		func(f *files.FileInfo) bool { return f.FileSize == 2_000_000 && !f.IsDir })
	do(c, "dbfs.mkdirs", func() error { return w.Dbfs.MkdirsByPath(ctx, "/tmp/go") })
	do(c, "dbfs.move", func() error {
		return w.Dbfs.Move(ctx, files.Move{SourcePath: "/tmp/go.txt", DestinationPath: "/tmp/go/moved.txt"})
	})
	ask(c, "dbfs.list", func() ([]files.FileInfo, error) { return w.Dbfs.ListAll(ctx, files.ListDbfsRequest{Path: "/tmp/go"}) },
		func(all []files.FileInfo) bool { return len(all) == 1 && all[0].Path == "/tmp/go/moved.txt" })
	do(c, "dbfs.delete", func() error { return w.Dbfs.Delete(ctx, files.Delete{Path: "/tmp/go", Recursive: true}) })
	refuse(c, "dbfs.get_status of nothing", func() error { _, err := w.Dbfs.GetStatusByPath(ctx, "/tmp/go"); return err },
		func(err error) bool { return errors.Is(err, apierr.ErrNotFound) })

	file := "/Volumes/main/default/go/a b/data.bin"
	do(c, "files.create_directory", func() error {
		return w.Files.CreateDirectory(ctx, files.CreateDirectoryRequest{DirectoryPath: "/Volumes/main/default/go/a b"})
	})
	do(c, "files.upload", func() error {
		return w.Files.Upload(ctx, files.UploadRequest{FilePath: file, Contents: io.NopCloser(strings.NewReader("0123456789")), Overwrite: true})
	})
	ask(c, "files.download", func() (string, error) {
		response, err := w.Files.DownloadByFilePath(ctx, file)
		if err != nil {
			return "", err
		}
		defer response.Contents.Close()
		data, err := io.ReadAll(response.Contents)
		return string(data), err
	}, func(text string) bool { return text == "0123456789" })
	ask(c, "files.get_metadata", func() (*files.GetMetadataResponse, error) { return w.Files.GetMetadataByFilePath(ctx, file) },
		func(m *files.GetMetadataResponse) bool { return m.ContentLength == 10 })
	ask(c, "files.list_directory", func() ([]files.DirectoryEntry, error) {
		return w.Files.ListDirectoryContentsAll(ctx, files.ListDirectoryContentsRequest{DirectoryPath: "/Volumes/main/default/go/a b"})
	}, func(all []files.DirectoryEntry) bool { return len(all) == 1 && all[0].Path == file })
	do(c, "files.delete", func() error { return w.Files.DeleteByFilePath(ctx, file) })
	do(c, "files.delete_directory", func() error { return w.Files.DeleteDirectoryByDirectoryPath(ctx, "/Volumes/main/default/go/a b") })

	ask(c, "workspace.get_status", func() (*workspace.ObjectInfo, error) { return w.Workspace.GetStatusByPath(ctx, "/Shared/go") },
		func(o *workspace.ObjectInfo) bool {
			return o.ObjectType == workspace.ObjectTypeDirectory && o.ObjectId != 0
		})
	ask(c, "workspace.list", func() ([]workspace.ObjectInfo, error) { return w.Workspace.RecursiveList(ctx, "/Shared/go") },
		func(all []workspace.ObjectInfo) bool { return len(all) == 1 && all[0].Path == "/Shared/go/task.py" })
	ask(c, "workspace.read", func() ([]byte, error) { return w.Workspace.ReadFile(ctx, "/Shared/go/task.py") },
		func(data []byte) bool { return strings.HasPrefix(string(data), "import sys") })
	do(c, "workspace.import of a notebook", func() error {
		return w.Workspace.Upload(ctx, "/Shared/go/notebook", strings.NewReader("print(1)"), workspace.UploadLanguage(workspace.LanguagePython), workspace.UploadFormat(workspace.ImportFormatSource))
	})
	ask(c, "workspace.export", func() (*workspace.ExportResponse, error) {
		return w.Workspace.Export(ctx, workspace.ExportRequest{Path: "/Shared/go/notebook", Format: workspace.ExportFormatSource})
	}, func(e *workspace.ExportResponse) bool { return e.Content != "" })
	do(c, "workspace.delete", func() error { return w.Workspace.Delete(ctx, workspace.Delete{Path: "/Shared/go", Recursive: true}) })
	refuse(c, "workspace.get_status of nothing", func() error { _, err := w.Workspace.GetStatusByPath(ctx, "/Shared/go"); return err },
		func(err error) bool { return errors.Is(err, apierr.ErrNotFound) })

	do(c, "secrets.create_scope", func() error { return w.Secrets.CreateScope(ctx, workspace.CreateScope{Scope: "go"}) })
	do(c, "secrets.put_secret", func() error {
		return w.Secrets.PutSecret(ctx, workspace.PutSecret{Scope: "go", Key: "k", StringValue: "v"})
	})
	ask(c, "secrets.get_secret", func() (*workspace.GetSecretResponse, error) {
		return w.Secrets.GetSecret(ctx, workspace.GetSecretRequest{Scope: "go", Key: "k"})
	}, func(s *workspace.GetSecretResponse) bool { return s.Value == "dg==" })
	ask(c, "secrets.list_scopes", func() ([]workspace.SecretScope, error) { return w.Secrets.ListScopesAll(ctx) },
		func(all []workspace.SecretScope) bool {
			return len(all) == 1 && all[0].BackendType == workspace.ScopeBackendTypeDatabricks
		})
	do(c, "secrets.put_acl", func() error {
		return w.Secrets.PutAcl(ctx, workspace.PutAcl{Scope: "go", Principal: "users", Permission: workspace.AclPermissionRead})
	})
	ask(c, "secrets.list_acls", func() ([]workspace.AclItem, error) {
		return w.Secrets.ListAclsAll(ctx, workspace.ListAclsRequest{Scope: "go"})
	},
		func(all []workspace.AclItem) bool { return len(all) == 2 })
	refuse(c, "secrets.create_scope twice", func() error { return w.Secrets.CreateScope(ctx, workspace.CreateScope{Scope: "go"}) },
		func(err error) bool { return errors.Is(err, apierr.ErrResourceAlreadyExists) })
	do(c, "secrets.delete_scope", func() error { return w.Secrets.DeleteScopeByScope(ctx, "go") })
	repo := ask(c, "repos.create", func() (*workspace.CreateRepoResponse, error) {
		return w.Repos.Create(ctx, workspace.CreateRepoRequest{Url: "https://example.com/a/b.git", Provider: "gitHub"})
	}, func(r *workspace.CreateRepoResponse) bool { return r.Id != 0 && r.Path != "" })
	if repo != nil {
		ask(c, "repos.list", func() ([]workspace.RepoInfo, error) { return w.Repos.ListAll(ctx, workspace.ListReposRequest{}) },
			func(all []workspace.RepoInfo) bool { return len(all) == 1 })
		do(c, "repos.delete", func() error { return w.Repos.DeleteByRepoId(ctx, repo.Id) })
	}
}
