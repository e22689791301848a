import { type CSSVariablesResolver, createTheme } from "@mantine/core";

export const theme = createTheme({
  // The greys of the dark scheme, with a little blue in them.
  colors: { dark: ["#d3dae2", "#b3bec9", "#98a4b0", "#6b7783", "#37424d", "#29323c", "#1b232c", "#151b22", "#12171d", "#0d1116"] },
  primaryColor: "cyan",
  primaryShade: { light: 9, dark: 9 },
  defaultRadius: "md",
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.45rem" }, h2: { fontSize: "1.1rem" }, h3: { fontSize: "1rem" } } },
  // Plain objects: naming the components here would load them all at first.
  components: {
    Anchor: { defaultProps: { underline: "hover" } },
    Badge: { defaultProps: { variant: "light" } },
    Button: { defaultProps: { size: "xs" } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" }, transitionProps: { duration: 120 } } },
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm", allowDeselect: false } },
    Switch: { defaultProps: { size: "sm" } },
    Tabs: { defaultProps: { keepMounted: false } },
    Textarea: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
  },
});

// Colours that can be read by everyone: WCAG AA on every ground that we use.
export const colours: CSSVariablesResolver = () => ({
  variables: { "--mantine-color-cyan-filled-hover": "#095c6b", "--mantine-color-red-filled-hover": "#a82222" }, // under the pointer: darker, not lighter
  light: {
    "--mantine-color-dimmed": "#4f5863",
    "--mantine-color-placeholder": "#656d76",
    "--mantine-color-error": "#b42318",
    "--mantine-color-anchor": "#0b6577",
    "--mantine-color-body": "#ffffff",
    "--r-ground": "#f6f8fa", "--r-card": "#ffffff", "--r-line": "#dfe4ea", "--r-hover": "#f0f4f7", "--r-code": "#f3f5f8",
    "--r-good": "#17663a", "--r-good-bg": "#dff5e7", "--r-warn": "#7a4b00", "--r-warn-bg": "#fff0d1", "--r-bad": "#a61b12", "--r-bad-bg": "#fde5e3",
    "--r-busy": "#0b5769", "--r-busy-bg": "#d8f1f7", "--r-mute": "#4f5863", "--r-mute-bg": "#e9edf1",
  },
  dark: {
    "--mantine-color-dimmed": "#a5b0bb",
    "--mantine-color-placeholder": "#8f9ba7",
    "--mantine-color-error": "#ff9088",
    "--mantine-color-anchor": "#66d4ea",
    "--mantine-color-body": "#12171d",
    "--r-ground": "#0d1116", "--r-card": "#151b22", "--r-line": "#29323c", "--r-hover": "#1b232c", "--r-code": "#10151b",
    "--r-good": "#7ddfa3", "--r-good-bg": "#12301f", "--r-warn": "#ffd07a", "--r-warn-bg": "#3a2a0a", "--r-bad": "#ff9f97", "--r-bad-bg": "#401b19",
    "--r-busy": "#7fdcf0", "--r-busy-bg": "#0e323b", "--r-mute": "#a5b0bb", "--r-mute-bg": "#222b34",
  },
});
