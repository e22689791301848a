package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"rinca/internal/rinca"
)

// agent is what we call ourselves.
const agent = "rinca"

// request writes what a server is asked for: one commit without history, the
// difference to what the mirror has.
func request(w want, ad *advert, haves []have) (*packp.UploadPackRequest, []byte, error) {
	req := packp.NewUploadPackRequest()
	for _, c := range []capability.Capability{capability.OFSDelta, capability.NoProgress} {
		if ad.caps.Supports(c) {
			_ = req.Capabilities.Set(c)
		}
	}
	if ad.caps.Supports(capability.Sideband64k) {
		_ = req.Capabilities.Set(capability.Sideband64k)
	}
	if ad.caps.Supports(capability.Agent) {
		_ = req.Capabilities.Set(capability.Agent, agent)
	}
	req.Wants = w.hashes
	if ad.caps.Supports(capability.Shallow) {
		_ = req.Capabilities.Set(capability.Shallow)
		if !w.full {
			req.Depth = packp.DepthCommits(1)
		}
		// Without this a server sends all files again that the parent has, for
		// the parent is cut off.
		if len(haves) > 0 && ad.caps.Supports(capability.ThinPack) {
			_ = req.Capabilities.Set(capability.ThinPack)
		}
		for _, h := range haves {
			req.Haves = append(req.Haves, h.commit)
			if h.shallow {
				req.Shallows = append(req.Shallows, h.commit)
			}
		}
	}
	var body bytes.Buffer
	if err := req.UploadRequest.Encode(&body); err != nil {
		return nil, nil, err
	}
	if err := req.UploadHaves.Encode(&body, false); err != nil {
		return nil, nil, err
	}
	if err := pktline.NewEncoder(&body).EncodeString("done\n"); err != nil {
		return nil, nil, err
	}
	return req, body.Bytes(), nil
}

// receive reads a server's answer and keeps the pack in it.
func receive(ctx context.Context, body io.Reader, req *packp.UploadPackRequest, w want, to *mirror) error {
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(body)); err != nil {
		return answer(err)
	}
	var pack io.Reader = res
	if req.Capabilities.Supports(capability.Sideband64k) {
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	}
	err := to.store(&meter{ctx: ctx, r: pack, out: w.out}, req.Capabilities.Supports(capability.ThinPack))
	if errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil // it has everything, says the server; the mirror checks that
	}
	return answer(err)
}

// answer says what is wrong with a server's answer.
func answer(err error) error {
	if err == nil {
		return nil
	}
	if line, ok := errors.AsType[*pktline.ErrorLine](err); ok {
		return rinca.Errorf(rinca.NotFound, "the Git server says: %s", clean(line.Text)).Because(err)
	}
	if _, ok := errors.AsType[*rinca.Error](err); ok {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return rinca.Errorf(rinca.Unavailable, "read the Git server's answer: it was cut off").Because(err)
	}
	return rinca.Errorf(rinca.Unavailable, "read the Git server's answer: %s", clean(err.Error())).Because(err)
}

// A meter tells how much has come, now and then.
type meter struct {
	ctx  context.Context //nolint:containedctx // as long as one read of a pack
	r    io.Reader
	out  rinca.Output
	n    int64
	last time.Time
	err  error // the first one of r, which the parser of packs hides
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.ctx.Err() != nil {
		m.err = ended(m.ctx)
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && m.err == nil {
		m.err = err
	}
	if now := time.Now(); m.out != nil && m.n > 1<<20 && now.Sub(m.last) > time.Second {
		m.last = now
		m.out(rinca.Line{Text: fmt.Sprintf("Received %d MB", m.n>>20), Current: m.n, Transient: true})
	}
	return n, err
}

// hash reads the 40 digits of a commit.
func hash(commit string) plumbing.Hash { return plumbing.NewHash(commit) }
