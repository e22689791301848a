import { Card, Cli, Empty, Page } from "../components/bits";

/** Sync: resources as files in Git say them. The command line has all of it. */
export default function Sync() {
  return (
    <Page title="Sync" sub="Resources as TOML files in Git say them" actions={<Cli>rinca sync list</Cli>}>
      <Card>
        <Empty icon="sync" title="Syncs are made on the command line">
          rinca sync --help says how: a repository with TOML files, what differs, and which of it is applied. Their runs show up under Activity.
        </Empty>
      </Card>
    </Page>
  );
}
