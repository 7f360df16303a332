// Writes each request that leaves the browser or one of its caches to a file, as it is made: the browser may be killed.
const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
file.initWithPath(arguments[0]);
const out = Cc["@mozilla.org/network/file-output-stream;1"].createInstance(Ci.nsIFileOutputStream);
const [WRITE_ONLY, CREATE, APPEND] = [0x02, 0x08, 0x10];
out.init(file, WRITE_ONLY | CREATE | APPEND, 0o600, 0);
const observer = {
  observe(channel) {
    const { loadInfo, URI } = channel.QueryInterface(Ci.nsIChannel);
    const system = loadInfo?.triggeringPrincipal?.isSystemPrincipal ?? true;
    const line = `${JSON.stringify({ system, url: URI.spec })}\n`;
    out.write(line, line.length);
  },
};
// What the window keeps is not collected as garbage.
Services.wm.getMostRecentWindow("navigator:browser").honeRequests = observer;
// Requests that a service worker answers are only opened; those that it makes itself are modified, too.
for (const topic of ["http-on-opening-request", "http-on-modify-request"]) Services.obs.addObserver(observer, topic);
