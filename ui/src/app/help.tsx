import { Modal } from "@mantine/core";
import type { Key } from "./keys";
import { pages } from "./pages";

const always = [
  ["Ctrl K", "Search and run"],
  ["/", "Filter this list"],
  ["j", "Next row"],
  ["k", "Row before"],
  ["Enter", "Open the row"],
  [".", "Copy the command of this page"],
  ["?", "This help"],
];

export default function Help({ here, close }: { here: Key[]; close: () => void }) {
  return (
    <Modal opened onClose={close} title="Keys" size="lg">
      <div className="keyhelp">
        <dl>
          {pages.map((p) => (
            <div key={p.path}>
              <dt>
                <kbd>g</kbd> <kbd>{p.key}</kbd>
              </dt>
              <dd>{p.title}</dd>
            </div>
          ))}
        </dl>
        <dl>
          {[...here.map((k) => [k.keys, k.does]), ...always].map(([k, does]) => (
            <div key={`${k}${does}`}>
              <dt>
                <kbd>{k}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Modal>
  );
}
