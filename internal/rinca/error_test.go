package rinca_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"rinca/internal/rinca"
)

func TestErrorCarriesCodeHintAndCause(t *testing.T) {
	inner := rinca.Errorf(rinca.NotFound, "no item %q", "x").Try("rinca item %s", "list").Because(io.EOF)
	outer := fmt.Errorf("export: %w", inner)
	if rinca.CodeOf(outer) != rinca.NotFound || rinca.HintOf(outer) != "rinca item list" {
		t.Errorf("code %q, hint %q", rinca.CodeOf(outer), rinca.HintOf(outer))
	}
	if !errors.Is(outer, io.EOF) {
		t.Error("the cause is lost")
	}
	if outer.Error() != `export: no item "x"` {
		t.Errorf("message %q", outer)
	}
}

// The hint of a cause is shown when the outer error has none.
func TestHintOfLooksInside(t *testing.T) {
	err := rinca.Errorf(rinca.Partial, "2 stacks: %w", rinca.Errorf(rinca.Destination, "disk full").Try("df -h"))
	if rinca.HintOf(err) != "df -h" || rinca.CodeOf(err) != rinca.Partial {
		t.Errorf("hint %q, code %q", rinca.HintOf(err), rinca.CodeOf(err))
	}
}

func TestCodeOfPlainErrors(t *testing.T) {
	if rinca.CodeOf(nil) != "" || rinca.CodeOf(io.EOF) != rinca.Internal || rinca.HintOf(io.EOF) != "" {
		t.Error("plain errors are Internal, without a hint")
	}
}

func TestCodeOfALibrarysEnd(t *testing.T) {
	if code := rinca.CodeOf(fmt.Errorf("begin: %w", context.Canceled)); code != rinca.Canceled {
		t.Errorf("%s", code)
	}
	if code := rinca.CodeOf(rinca.Errorf(rinca.NotFound, "no").Because(context.Canceled)); code != rinca.NotFound {
		t.Errorf("%s", code)
	}
	if code := rinca.CodeOf(context.DeadlineExceeded); code != rinca.Internal {
		t.Errorf("%s", code)
	}
}
