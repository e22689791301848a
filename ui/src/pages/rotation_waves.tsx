import { Link } from "@tanstack/react-router";
import type { Rotation } from "../api/client";
import { Reasons } from "../components/run";
import { Chip } from "../components/state";

/** WavesView shows the stacks of a rotation, wave after wave. */
export function WavesView({ run }: { run: Rotation }) {
  const waves = new Map<number, NonNullable<Rotation["stacks"]>>();
  for (const s of run.stacks ?? []) waves.set(s.wave, [...(waves.get(s.wave) ?? []), s]);
  if (!waves.size) return null;
  return (
    <div className="waves" tabIndex={0} role="group" aria-label="Waves">
      {[...waves].map(([n, stacks]) => (
        <div key={n} className="wave">
          <h3>Wave {n}</h3>
          {stacks.map((s) => (
            <div key={s.stack} className="one">
              <span className="row">
                <Link to="/stacks/$stack" params={{ stack: s.stack }} className="mainlink">
                  {s.stack}
                </Link>
                {run.state !== "planned" && <Chip state={s.state} />}
                {s.update && <Link className="small" to="/activity/$id" params={{ id: s.update }}>lines</Link>}
              </span>
              {(s.services ?? []).filter((x) => x.change !== "keep").map((x) => (
                <span key={x.service} className="small dim">
                  {x.change} {x.service}: <Reasons service={x} />
                </span>
              ))}
              {s.restored && <span className="small warn-t">Put back: {s.restored}</span>}
              {!s.can_roll_back && run.state === "planned" && <span className="small warn-t">It cannot be put back: there is no last good generation</span>}
            </div>
          ))}
          {stacks[0]?.gate && <span className="small dim">Then: {stacks[0].gate}</span>}
        </div>
      ))}
    </div>
  );
}
