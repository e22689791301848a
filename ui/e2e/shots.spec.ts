// Pictures of every page, wide and narrow, light and dark, into shots/.
import { everyPage, signIn, test } from "./world";

const only = process.env.SHOTS ? new RegExp(process.env.SHOTS) : null;

test("pictures", async ({ page, watch }) => {
  watch.allow.push(/./); // nothing is checked here
  await page.setViewportSize({ width: 1440, height: 900 });
  await signIn(page);
  await page.goto("/rotation?tab=history");
  await page.getByRole("table", { name: "Rotations" }).getByText("rolled back").first().click();
  await page.waitForURL(/rotation\/./);
  for (const [name, path] of [...everyPage, ["rotation-run", new URL(page.url()).pathname] as const]) {
    if (only && !only.test(name)) continue;
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      for (const scheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.goto(path);
        await page.waitForLoadState("load");
        await page.waitForTimeout(900);
        await page.screenshot({ path: `shots/${name}-${width}-${scheme}.png` });
      }
    }
  }
});
