package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rinca/internal/rinca"
)

// request makes the request that tells an alerter of an alert.
func request(ctx context.Context, alerter *rinca.Alerter, to target, x *rinca.Alert) (*http.Request, error) {
	switch alerter.Kind {
	case rinca.AlerterCustom:
		return postJSON(ctx, to.text, komodoAlert(x))
	case rinca.AlerterSlack:
		return postJSON(ctx, to.text, map[string]any{"text": slackText(x)})
	case rinca.AlerterDiscord:
		return postJSON(ctx, to.text, discordMessage(x))
	case rinca.AlerterNtfy:
		return ntfyRequest(ctx, to, alerter.Email, x)
	case rinca.AlerterGotify:
		return gotifyRequest(ctx, to, x)
	case rinca.AlerterPushover:
		return pushoverRequest(ctx, to, x)
	}
	return nil, rinca.Errorf(rinca.Invalid, "there is no alerter of the kind %.60q", alerter.Kind)
}

func postJSON(ctx context.Context, address string, v any) (*http.Request, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode an alert: %w", err)
	}
	return post(ctx, address, "application/json", data)
}

func post(ctx context.Context, address, contentType string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil { // it quotes the address
		return nil, rinca.Errorf(rinca.Invalid, "the address of the alerter is no URL")
	}
	req.Header.Set("Content-Type", contentType)
	return req, nil
}

// slackText is what Slack, and what speaks like it, shows. & < and > are
// markup, and would ping people.
func slackText(x *rinca.Alert) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	head := *x
	head.Lines = nil
	text := "*" + escape(titleOf(x)) + "*\n" + escape(textOf(&head, 3000))
	if lines := tail(x, 2500); lines != "" {
		text += "\n```\n" + escape(lines) + "\n```"
	}
	return text
}

// tail is the last lines of an alert in at most n bytes, without what ends a
// block of code.
func tail(x *rinca.Alert, n int) string {
	if x.Resolved {
		return ""
	}
	only := rinca.Alert{Lines: x.Lines}
	return strings.ReplaceAll(strings.TrimSpace(textOf(&only, n)), "```", "'''")
}

func discordMessage(x *rinca.Alert) any {
	head := *x
	head.Lines = nil
	text := "**" + titleOf(x) + "**\n" + textOf(&head, 1000)
	if lines := tail(x, 700); lines != "" {
		text += "\n```\n" + lines + "\n```"
	}
	// Nobody is pinged by what a log line holds.
	return map[string]any{"content": cut(text, 2000), "allowed_mentions": map[string]any{"parse": []string{}}}
}

// priority goes from 1 to 5, as ntfy counts.
func priority(x *rinca.Alert) int {
	switch {
	case x.Resolved || x.Level == rinca.AlertOK:
		return 3
	case x.Level == rinca.AlertCritical:
		return 5
	}
	return 4
}

func ntfyRequest(ctx context.Context, to target, email string, x *rinca.Alert) (*http.Request, error) {
	req, err := post(ctx, to.text, "text/plain; charset=utf-8", []byte(textOf(x, 3900))) // more would be an attachment
	if err != nil {
		return nil, err
	}
	req.Header.Set("Title", mime.QEncoding.Encode("utf-8", cut(oneLine(titleOf(x)), 150)))
	req.Header.Set("Priority", strconv.Itoa(priority(x)))
	if email != "" {
		req.Header.Set("Email", oneLine(email))
	}
	return req, nil
}

// gotifyRequest takes the token out of the address, where logs of proxies
// would show it.
func gotifyRequest(ctx context.Context, to target, x *rinca.Alert) (*http.Request, error) {
	u, token := *to.url, to.url.Query().Get("token")
	q := u.Query()
	q.Del("token")
	u.RawQuery = q.Encode()
	if !strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/message") {
		u.Path = strings.TrimRight(u.Path, "/") + "/message"
	}
	level := map[int]int{3: 4, 4: 6, 5: 9}[priority(x)]
	req, err := postJSON(ctx, u.String(), map[string]any{"title": titleOf(x), "message": textOf(x, 8000), "priority": level})
	if err == nil && token != "" {
		req.Header.Set("X-Gotify-Key", token)
	}
	return req, err
}

func pushoverRequest(ctx context.Context, to target, x *rinca.Alert) (*http.Request, error) {
	u := *to.url
	form := u.Query()
	u.RawQuery = ""
	form.Set("title", cut(titleOf(x), 240))
	form.Set("message", textOf(x, 1000))
	form.Set("priority", strconv.Itoa(max(0, priority(x)-4))) // 1 breaks the quiet hours of whoever gets it
	return post(ctx, u.String(), "application/x-www-form-urlencoded", []byte(url.Values(form).Encode()))
}
