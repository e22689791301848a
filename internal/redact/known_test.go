package redact

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"rinca/internal/rinca"
)

func TestKnownFollowsItsSets(t *testing.T) {
	var k Known
	const text = "a correct-horse b battery-staple c"
	if got := k.Masker().String(text); got != text {
		t.Errorf("nothing known: %q", got)
	}
	k.Set("variables", []rinca.Secret{rinca.NewSecret("correct-horse")})
	k.Set("vault", []rinca.Secret{rinca.NewSecret("battery-staple")})
	before := k.Masker()
	if got, want := before.String(text), "a "+Mask+" b "+Mask+" c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	k.Set("vault", []rinca.Secret{rinca.NewSecret("battery-staple")})
	if k.Masker() != before {
		t.Error("the same values made another masker")
	}
	k.Remove("vault")
	k.Remove("vault")
	if got, want := k.Masker().String(text), "a "+Mask+" b battery-staple c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := before.String("battery-staple"); got != Mask {
		t.Errorf("a masker taken before changed: %q", got)
	}
	if n := k.Secrets(); n != 1 {
		t.Errorf("%d values known, want 1", n)
	}
}

func TestKnownIsSafeForConcurrentUse(t *testing.T) {
	var k Known
	k.Set("always", []rinca.Secret{rinca.NewSecret("correct-horse")})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				key := fmt.Sprint("set ", i%3)
				k.Set(key, []rinca.Secret{rinca.NewSecret(fmt.Sprint("value-", i, "-", j))})
				if got := k.Masker().String("correct-horse"); got != Mask {
					t.Errorf("a value that is always known was not masked: %q", got)
				}
				k.Remove(key)
			}
		})
	}
	wg.Wait()
}

// BenchmarkKnown measures what a change of one variable costs the next
// message, while 500 values are known.
func BenchmarkKnown(b *testing.B) {
	var k Known
	for i, s := range randomSecrets(500, 8) {
		k.Set(fmt.Sprint(i), []rinca.Secret{s})
	}
	one, two := rinca.NewSecret("correct-horse"), rinca.NewSecret("battery-staple")
	for b.Loop() {
		k.Set("changing", []rinca.Secret{one})
		k.Masker()
		one, two = two, one
	}
}

// TestKnownEqualsNew compares with a masker of all values at once, while
// sets come, change and go.
func TestKnownEqualsNew(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	pool := randomSecrets(40, 6)
	var k Known
	sets := map[string][]rinca.Secret{}
	for range 300 {
		key := fmt.Sprint(rnd.IntN(8))
		var chosen []rinca.Secret
		for range rnd.IntN(6) {
			chosen = append(chosen, pool[rnd.IntN(len(pool))])
		}
		if rnd.IntN(4) == 0 {
			delete(sets, key)
			k.Remove(key)
		} else {
			sets[key] = chosen
			k.Set(key, chosen)
		}
		var all []rinca.Secret
		for _, s := range sets {
			all = append(all, s...)
		}
		text := ""
		for _, s := range pool {
			text += " x=" + s.Reveal()
		}
		if got, want := k.Masker().String(text), New(all).String(text); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}
