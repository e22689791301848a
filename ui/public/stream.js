// One event stream for all tabs of a browser. Each port gets every event once,
// in order; a port that comes later, or comes back, says which it saw last and
// gets what was since from the server itself.
"use strict";
var types = ["update", "line", "stack", "server", "resource", "alert", "rotation", "delivery", "schedule", "end", "error"];
var ports = [];
var source = null;
var last = "";
var state = "connecting";

function tell(message) {
  ports.forEach(function (p) {
    p.postMessage(message);
  });
}

function setState(s) {
  state = s;
  tell({ state: s });
}

function open() {
  source = new EventSource("/v1/events" + (last ? "?after=" + last : ""));
  source.onopen = function () {
    setState("open");
  };
  types.forEach(function (type) {
    source.addEventListener(type, function (e) {
      if (typeof e.data !== "string") return;
      if (e.lastEventId) last = e.lastEventId;
      if (type !== "error") tell({ type: type, seq: Number(e.lastEventId), data: e.data });
    });
  });
  source.onerror = function () {
    var closed = source.readyState === 2;
    setState(closed ? "closed" : "connecting");
    if (closed) {
      source.close();
      source = null;
      setTimeout(function () {
        if (!source && ports.length) open();
      }, 3000);
    }
  };
}

onconnect = function (e) {
  var port = e.ports[0];
  ports.push(port);
  port.onmessage = function (m) {
    if (m.data === "bye") {
      ports = ports.filter(function (p) {
        return p !== port;
      });
      if (!ports.length && source) {
        source.close();
        source = null;
      }
    }
    if (m.data === "again" && !source) open();
  };
  port.postMessage({ state: state });
  if (!source) open();
};
