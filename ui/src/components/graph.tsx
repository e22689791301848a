import { Graph as Layout, layout } from "@dagrejs/dagre";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Icon, type IconName } from "./icon";

export interface GraphNode {
  id: string;
  text: string;
  icon: IconName;
  to?: string;
  start?: boolean;
}

const width = 190;
const height = 34;

/** LineageGraph draws how a secret reaches containers. The list beside it says the same. */
export function LineageGraph({ nodes, edges }: { nodes: GraphNode[]; edges: [string, string][] }) {
  const placed = useMemo(() => {
    const g = new Layout();
    g.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 54, marginx: 18, marginy: 18 });
    g.setDefaultEdgeLabel(() => ({}));
    for (const n of nodes) g.setNode(n.id, { width, height });
    for (const [a, b] of edges) g.setEdge(a, b);
    layout(g);
    const label = g.graph() as { width?: number; height?: number };
    return {
      width: label.width ?? 0,
      height: label.height ?? 0,
      nodes: nodes.map((n) => ({ ...n, ...(g.node(n.id) as { x: number; y: number }) })),
      edges: edges.map(([a, b]) => ({ a: g.node(a) as { x: number; y: number }, b: g.node(b) as { x: number; y: number }, key: `${a} ${b}` })),
    };
  }, [nodes, edges]);
  return (
    <div className="graph" style={{ height: Math.min(placed.height + 4, 520) }} tabIndex={0} role="group" aria-label="Lineage">
      <div style={{ position: "relative", width: placed.width, height: placed.height }}>
        <svg width={placed.width} height={placed.height} aria-hidden="true">
          {placed.edges.map(({ a, b, key }) => {
            const x = a.x + width / 2;
            const to = b.x - width / 2;
            const middle = (x + to) / 2;
            return <path key={key} d={`M${x} ${a.y} C${middle} ${a.y} ${middle} ${b.y} ${to} ${b.y}`} />;
          })}
        </svg>
        {placed.nodes.map((n) => {
          const style = { left: n.x - width / 2, top: n.y - height / 2, width, height };
          const inner = (
            <>
              <Icon name={n.icon} size={15} />
              <span title={n.text}>{n.text}</span>
            </>
          );
          return n.to ? (
            <Link key={n.id} to={n.to} className={n.start ? "node start" : "node"} style={style}>
              {inner}
            </Link>
          ) : (
            <div key={n.id} className={n.start ? "node start" : "node"} style={style}>
              {inner}
            </div>
          );
        })}
      </div>
    </div>
  );
}
