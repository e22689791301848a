package alert

import (
	"context"
	"io"
	"log"
	"mime"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"rinca/internal/rinca"
)

// byLibrary sends through the library. Some of its services wait without an
// end: such a one is left behind, and the lane takes no more than a few.
func (a *Alerts) byLibrary(ctx context.Context, l *lane, to target, x rinca.Alert) error {
	q := &a.queue
	q.mu.Lock()
	if l.hung >= maxHung {
		q.mu.Unlock()
		return failure{err: rinca.Errorf(rinca.Unavailable, "the endpoint has not answered earlier tries yet")}
	}
	l.hung++
	q.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		err := libraryDo(to, x)
		q.mu.Lock()
		l.hung--
		q.mu.Unlock()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return unreached(context.DeadlineExceeded)
	}
}

// libraryDo sends through the library, however long it takes.
func libraryDo(to target, x rinca.Alert) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = rinca.Errorf(rinca.Internal, "the sender of %s failed by a fault of its own", to.url.Scheme)
		}
	}()
	quiet := log.New(io.Discard, "", 0) // it logs addresses
	service, err := (&router.ServiceRouter{}).Locate(to.text)
	if err != nil {
		return to.libraryError("the address is not understood", err)
	}
	service.SetLogger(quiet)
	title, text := titleOf(&x), textOf(&x, maxLibrary)
	params := types.Params{}
	if takesTitle(service.GetID()) {
		params.SetTitle(titleFor(service.GetID(), title))
	} else {
		text = title + "\n" + text
	}
	err = service.Send(text, &params)
	if err == nil || sentAnyway(service.GetID(), err) {
		return nil
	}
	return to.libraryError("the endpoint refused it or cannot be reached", err)
}

const maxLibrary = 3500

// takesTitle reports whether a service knows titles; those that do not, fail.
func takesTitle(service string) bool {
	switch service {
	case "googlechat", "hangouts", "rocketchat", "signal", "wecom", "pagerduty", "notifiarr":
		return false
	}
	return true
}

// sentAnyway knows an error that is none: an ntfy server whose answer has no
// body has taken the message.
func sentAnyway(service string, err error) bool {
	return service == "ntfy" && strings.Contains(err.Error(), "unexpected end of JSON input")
}

func (t target) libraryError(what string, err error) error {
	if f, ok := errorsAsFailure(err); ok {
		return f
	}
	said := cut(t.hide(oneLine(err.Error())), 200)
	return failure{err: rinca.Errorf(rinca.Unavailable, "%s: %s", what, said)}
}

// errorsAsFailure says why there was no answer, if the network says that.
func errorsAsFailure(err error) (error, bool) {
	f := unreached(err)
	if strings.HasSuffix(f.Error(), "as it should") {
		return nil, false
	}
	return f, true
}

// titleFor makes a title one that a service can take: that of a mail is a
// header.
func titleFor(service, text string) string {
	text = cut(oneLine(text), 150)
	if service == "smtp" {
		return mime.QEncoding.Encode("utf-8", text)
	}
	return text
}
