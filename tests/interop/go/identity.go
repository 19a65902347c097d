package main

import (
	"errors"

	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/service/iam"
	"github.com/databricks/databricks-sdk-go/service/settings"
)

func identityCalls(c *calls) {
	w, ctx := c.w, c.ctx
	me := ask(c, "current_user.me", func() (*iam.User, error) { return w.CurrentUser.Me(ctx, iam.MeRequest{}) },
		func(u *iam.User) bool { return u.UserName != "" && u.Active })
	user := ask(c, "users.create", func() (*iam.User, error) {
		return w.Users.Create(ctx, iam.User{UserName: "go@example.com", DisplayName: "Go"})
	}, func(u *iam.User) bool { return u.Id != "" })
	if user != nil {
		ask(c, "users.get", func() (*iam.User, error) { return w.Users.GetById(ctx, user.Id) }, func(u *iam.User) bool { return u.DisplayName == "Go" })
		ask(c, "users.list", func() ([]iam.User, error) {
			return w.Users.ListAll(ctx, iam.ListUsersRequest{Filter: `userName eq "go@example.com"`})
		}, func(all []iam.User) bool { return len(all) == 1 })
		do(c, "users.patch", func() error {
			return w.Users.Patch(ctx, iam.PartialUpdate{Id: user.Id, Schemas: []iam.PatchSchema{iam.PatchSchemaUrnIetfParamsScimApiMessages20PatchOp},
				Operations: []iam.Patch{{Op: iam.PatchOpReplace, Path: "displayName", Value: "Gopher"}}})
		})
		group := ask(c, "groups.create", func() (*iam.Group, error) {
			return w.Groups.Create(ctx, iam.Group{DisplayName: "gophers", Members: []iam.ComplexValue{{Value: user.Id}}})
		}, nil)
		if group != nil {
			ask(c, "groups.get", func() (*iam.Group, error) { return w.Groups.GetById(ctx, group.Id) },
				func(g *iam.Group) bool { return len(g.Members) == 1 && g.Members[0].Value == user.Id })
			ask(c, "groups.list", func() ([]iam.Group, error) { return w.Groups.ListAll(ctx, iam.ListGroupsRequest{}) },
				func(all []iam.Group) bool { return len(all) >= 3 })
			do(c, "groups.delete", func() error { return w.Groups.DeleteById(ctx, group.Id) })
		}
		do(c, "users.delete", func() error { return w.Users.DeleteById(ctx, user.Id) })
		refuse(c, "users.get a missing one", func() error { _, err := w.Users.GetById(ctx, user.Id); return err },
			func(err error) bool { return errors.Is(err, apierr.ErrNotFound) })
	}
	ask(c, "service_principals.list", func() ([]iam.ServicePrincipal, error) {
		return w.ServicePrincipals.ListAll(ctx, iam.ListServicePrincipalsRequest{})
	}, func(all []iam.ServicePrincipal) bool { return len(all) == 1 })
	token := ask(c, "tokens.create", func() (*settings.CreateTokenResponse, error) {
		return w.Tokens.Create(ctx, settings.CreateTokenRequest{Comment: "go", LifetimeSeconds: 60})
	}, func(t *settings.CreateTokenResponse) bool { return t.TokenValue != "" })
	if token != nil {
		ask(c, "tokens.list", func() ([]settings.PublicTokenInfo, error) { return w.Tokens.ListAll(ctx) },
			func(all []settings.PublicTokenInfo) bool { return len(all) == 2 })
		do(c, "tokens.delete", func() error { return w.Tokens.DeleteByTokenId(ctx, token.TokenInfo.TokenId) })
	}
	if me != nil {
		ask(c, "permissions.update", func() (*iam.ObjectPermissions, error) {
			return w.Permissions.Update(ctx, iam.UpdateObjectPermissions{RequestObjectType: "authorization", RequestObjectId: "tokens",
				AccessControlList: []iam.AccessControlRequest{{GroupName: "users", PermissionLevel: "CAN_USE"}}})
		}, func(p *iam.ObjectPermissions) bool { return len(p.AccessControlList) > 0 })
	}
}
