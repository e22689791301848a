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

const end = "rinca-ended";

/** noteEnd remembers for the next page that a session ended by itself. */
export function noteEnd() {
  try {
    sessionStorage.setItem(end, "1");
  } catch {
    // Then nobody is told.
  }
}

/** takeEnd reports, once, whether a session has just ended by itself. */
export function takeEnd(): boolean {
  try {
    const was = sessionStorage.getItem(end) !== null;
    sessionStorage.removeItem(end);
    return was;
  } catch {
    return false;
  }
}
