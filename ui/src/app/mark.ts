// Whether somebody signed in here: the session itself is in a cookie that no
// script reads, and asking for it in vain would be an error in the console.
const mark = "rinca-session";

export function signedInBefore(): boolean {
  try {
    return localStorage.getItem(mark) !== null;
  } catch {
    return true;
  }
}

export function setMark(on: boolean) {
  try {
    if (on) localStorage.setItem(mark, "1");
    else localStorage.removeItem(mark);
  } catch {
    // Storage may be switched off.
  }
}
