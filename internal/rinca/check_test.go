package rinca

import "testing"

func TestStackCheck(t *testing.T) {
	good := func() Stack {
		return Stack{Name: "web", Source: Source{Kind: SourceGit, Repo: "https://example.org/web.git", Path: "stacks/web"}}
	}
	tests := map[string]struct {
		change func(*Stack)
		bad    bool
	}{
		"as it is":                 {func(*Stack) {}, false},
		"no name":                  {func(s *Stack) { s.Name = "" }, true},
		"name that climbs":         {func(s *Stack) { s.Name = "a..b" }, true},
		"after itself":             {func(s *Stack) { s.After = []string{"web"} }, true},
		"no kind":                  {func(s *Stack) { s.Source.Kind = "" }, true},
		"unknown kind":             {func(s *Stack) { s.Source.Kind = "svn" }, true},
		"password in the URL":      {func(s *Stack) { s.Source.Repo = "https://x:hunter2@example.org/web.git" }, true},
		"token in the URL":         {func(s *Stack) { s.Source.Repo = "https://token@example.org/web.git" }, true},
		"ssh with a user":          {func(s *Stack) { s.Source.Repo = "ssh://git@example.org/web.git" }, false},
		"scp form":                 {func(s *Stack) { s.Source.Repo = "git@example.org:web.git" }, false},
		"option as repo":           {func(s *Stack) { s.Source.Repo = "--upload-pack=touch /tmp/x" }, true},
		"option as branch":         {func(s *Stack) { s.Source.Branch = "--all" }, true},
		"line break in branch":     {func(s *Stack) { s.Source.Branch = "a\nb" }, true},
		"branch and tag":           {func(s *Stack) { s.Source.Branch, s.Source.Tag = "a", "b" }, true},
		"path that climbs":         {func(s *Stack) { s.Source.Path = "../x" }, true},
		"path that comes back":     {func(s *Stack) { s.Source.Path = "a/../b" }, false},
		"path with a dot":          {func(s *Stack) { s.Source.Path = "./a" }, false},
		"absolute path":            {func(s *Stack) { s.Source.Path = "/etc" }, true},
		"backslash that climbs":    {func(s *Stack) { s.Source.Path = `..\x` }, true},
		"compose file that climbs": {func(s *Stack) { s.Source.ComposeFiles = []string{"a/../../x"} }, true},
		"relative host path":       {func(s *Stack) { s.HostPaths = []string{"srv"} }, true},
		"host path that climbs":    {func(s *Stack) { s.HostPaths = []string{"/srv/../etc"} }, true},
		"host path":                {func(s *Stack) { s.HostPaths = []string{"/srv/"} }, false},
		"host":                     {func(s *Stack) { s.Source = Source{Kind: SourceHost, Dir: "/srv/web"} }, false},
		"host without dir":         {func(s *Stack) { s.Source = Source{Kind: SourceHost} }, true},
		"inline":                   {func(s *Stack) { s.Source = Source{Kind: SourceInline, Files: []InlineFile{{"compose.yaml", "x"}}} }, false},
		"inline without files":     {func(s *Stack) { s.Source = Source{Kind: SourceInline} }, true},
		"inline twice":             {func(s *Stack) { s.Source = Source{Kind: SourceInline, Files: []InlineFile{{"a", "x"}, {"./a", "x"}}} }, true},
		"inline file as folder":    {func(s *Stack) { s.Source = Source{Kind: SourceInline, Files: []InlineFile{{"a", "x"}, {"a/b", "x"}}} }, true},
		"inline folder":            {func(s *Stack) { s.Source = Source{Kind: SourceInline, Files: []InlineFile{{"a/", "x"}}} }, true},
		"busy":                     {func(s *Stack) { s.OnBusy = "queue" }, true},
		"project":                  {func(s *Stack) { s.Project = "a b" }, true},
		"tag":                      {func(s *Stack) { s.Tags = []string{"a b"} }, true},
		"hook that climbs":         {func(s *Stack) { s.PreDeploy.Path = "../.." }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := good()
			tt.change(&s)
			err := s.Check()
			if (err != nil) != tt.bad {
				t.Errorf("got %v", err)
			}
			if err != nil && CodeOf(err) != Invalid {
				t.Errorf("code %s", CodeOf(err))
			}
		})
	}
}
