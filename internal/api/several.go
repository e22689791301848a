package api

import "rinca/internal/rinca"

// Some executions are about several stacks: the name of their target is
// names and patterns with commas between. What is granted on "media-*" must
// not count for "media-*,web", which it would match if that were a name.

// several reports whether a target is not one stack but some.
func several(t rinca.Target) bool {
	return t.Kind == rinca.KindStack && !rinca.ValidStackName(t.Name)
}

// anyStack is a stack that nobody can name: who has a level on it has it by
// what is granted on all stacks.
func anyStack() rinca.Target { return rinca.Target{Kind: rinca.KindStack, Name: "\x00any\x00"} }

// needSeveral checks the level of the caller on every stack that is chosen.
// "*" is also about stacks that are not here, so it takes the level on all.
func (s *Server) needSeveral(r *request, level rinca.Level) error {
	refused := rinca.Errorf(rinca.Forbidden, "this needs the level %s on every stack that is chosen", level).Try("choose fewer, by name")
	stacks, err := s.cfg.DB.Stacks(r.Context())
	if err != nil {
		return err
	}
	chosen, err := rinca.ParseSelection(r.target.Name)
	if err != nil {
		return err
	}
	everywhere := on(r.who, anyStack()).Level >= level
	if (chosen.All() || r.target.Name == "*") && !everywhere {
		return refused
	}
	count := 0
	for i := range stacks {
		if !chosen.Matches(stacks[i].Name) {
			continue
		}
		if count++; !r.may(rinca.Target{Kind: rinca.KindStack, Name: stacks[i].Name}, level) {
			return refused
		}
	}
	if count == 0 && !everywhere {
		return refused // as if there were some that the caller may not know of
	}
	return nil
}
