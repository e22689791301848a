import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ApiError, keyOf, type Me } from "../api/client";
import { setMark } from "./mark";
import { SessionProvider } from "./session";

test("a server that is away for a moment takes no form away; one that knows nobody does", async () => {
  vi.stubGlobal("EventSource", class { close() {} addEventListener() {} });
  setMark(true);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnMount: false } } });
  client.setQueryData(keyOf("GET /v1/me"), { user: { name: "ann" }, admin: true, rights: [] } as unknown as Me);
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <SessionProvider>
          <input aria-label="Name" />
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  const fails = (status: number) =>
    act(async () => {
      client.getQueryCache().find({ queryKey: keyOf("GET /v1/me") })?.setState({ status: "error", error: new ApiError(status, "x", "no") });
      await new Promise((r) => setTimeout(r, 20)); // it tells of it a little later
    });
  await fails(502);
  expect(screen.getByLabelText("Name")).toBeTruthy();
  await fails(401);
  expect(screen.queryByLabelText("Name")).toBeNull();
});
