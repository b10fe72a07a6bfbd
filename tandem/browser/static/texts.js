// Every sentence the page says, in English and Turkish. Knows words only.

const TEXTS = {
  en: {
    skip: "Skip to the question",
    back: "Back to the chat",
    language: "Language",
    pageTitle: "Tandem in this browser",
    title: "Generate inside this browser",
    lead: "The same question, answered by a small model in this browser and by the server's models, with the time each one takes.",
    probeTitle: "What this browser can do",
    probing: "Looking…",
    askTitle: "Ask",
    question: "Question",
    reference: "Reference documents",
    referenceHint: "Paste text here, or add passages from the library. The models answer from it.",
    library: "Search the library",
    searchButton: "Search",
    options: "Options",
    engine: "Where the browser computes",
    longest: "Longest answer, in tokens",
    passes: "Who answers",
    passBrowser: "A model in this browser",
    run: "Ask all",
    stop: "Stop",
    modelTitle: "The model in this browser",
    model: "Model",
    clear: "Delete stored models",
    answersTitle: "Answers",
    empty: "Nothing has been asked yet.",
    chartTitle: "Latency",
    runsTitle: "Runs",
    export: "Export as JSON",
    forget: "Clear the table",

    engineAuto: "Automatic",
    engineWebgpu: "WebGPU (graphics card)",
    engineWasm: "WebAssembly (processor)",
    engineServer: "Not here: ask the server",
    engine_webgpu: "WebGPU",
    engine_wasm: "WebAssembly",
    engine_server: "server",

    factSecure: "Secure context",
    factInsecure: "No secure context: open the page by https or on this machine",
    factGpu: "Graphics adapter: {name}",
    factSoftware: "Graphics adapter in software: {name}",
    factNoGpu: "No graphics adapter",
    factF16: "16-bit arithmetic on the adapter",
    factNoF16: "No 16-bit arithmetic on the adapter",
    factMemory: "About {memory} of memory",
    factThreads: "Several threads for WebAssembly",
    factNoThreads: "One thread for WebAssembly",

    whyNoRuntime: "The files that run a model in a browser are not on this server; its administrator fetches them with “tandem browser fetch”. The server answers meanwhile.",
    whyNoModel: "No model is chosen for this browser, so the server answers.",
    whyInsecure: "The page is not in a secure context, so the server answers. Open it by https, or on the machine that serves it.",
    whyAsked: "As you set it: {engine}.",
    whyNoPrecision: "{model} has no files for {engine}, so the server answers.",
    whyWebgpu: "WebGPU with {precision}: the adapter computes it.",
    whyWebgpuNoF16: "WebGPU with {precision}: the adapter has no 16-bit arithmetic.",
    whySoftware: "WebAssembly with {precision}: the graphics adapter is only emulated, which is slower.",
    whyNoAdapter: "WebAssembly with {precision}: there is no graphics adapter.",
    whyNeedsF16: "{model} needs 16-bit arithmetic on a graphics adapter, so the server answers.",
    whyBuffer: "{model} is too large for this graphics adapter, so the server answers.",
    whyMemory: "{model} takes {size} and this browser has about {memory} of memory, so the server answers.",
    whyWasmLarge: "{model} takes {size}, too much for WebAssembly, and there is no usable graphics adapter; the server answers.",

    noModel: "None: the server answers",
    fromFolder: "{name} ({size}, from this server)",
    fromHub: "{name} (about {size}, from {hub})",
    noteFolder: "Its files come from this server and stay in this browser.",
    noteHub: "Pressing Download fetches about {size} from {hub}. Nothing you type goes there.",
    noteStored: "It is stored in this browser.",
    licence: "Licence: {licence}.",
    download: "Download {size}",
    storage: "Stored models take {usage} of the {quota} this browser allows.",
    storageUnknown: "This browser does not say how much it can store.",
    cleared: "The stored models are deleted.",
    tooLarge: "{name} takes about {size}, and only {free} are free in this browser. Delete stored models or choose a smaller one.",

    stageDownload: "Download: {loaded} of {total}",
    stageStart: "Download: starting",
    stageCompile: "Compile: the model is being prepared",
    stageWarm: "Compile: first tokens as a trial",
    stageReady: "Ready.",
    downloaded: "{name} is in this browser now.",

    searching: "Searching…",
    found: "{count} passages found.",
    foundNone: "The library has nothing on that.",
    add: "Add",
    added: "Added",
    addLabel: "Add the passage from {document}",
    page: "page {page}",

    ready: "Ready.",
    noQuestion: "Type a question first.",
    noPass: "Choose at least one that answers.",
    running: "{name} answers…",
    waiting: "Waiting its turn",
    loadingModel: "Loading",
    writing: "Writing",
    thinking: "Thinking",
    thoughts: "What it thought",
    finished: "Finished",
    stopped: "Stopped",
    failed: "Failed",
    allFinished: "Finished: {names}.",
    allStopped: "Stopped. What was written stays.",
    trimmed: "The reference documents were cut to {kept} of {all} tokens: the model takes {positions}.",
    fellBack: "{why} The server ({model}) answers instead.",
    failedMissing: "A file of {model} is missing.",
    failedMemory: "The browser ran out of memory with {model}.",
    failedLost: "The graphics adapter was lost.",
    failedNetwork: "The files of {model} could not be downloaded.",
    failedOther: "{model} failed in this browser: {message}",
    notDownloaded: "{model} is not in this browser yet; press Download first.",
    serverMissing: "The server has no {model}.",
    serverGone: "The server cannot be reached; check that it runs.",
    signIn: "Sign in to the chat first, then ask again.",
    notThere: "not on the server",
    noAnswer: "It wrote nothing.",

    segLoad: "Load",
    segWarm: "Warm-up",
    segFirst: "To the first token",
    segRest: "To the last token",
    ms: "{value} ms",
    rate: "{value} tokens/s",
    barLabel: "{name}: load {load} ms, warm-up {warm} ms, first token after {first} ms, rest {rest} ms",

    colRun: "Run",
    colModel: "Model",
    colEngine: "Where",
    colState: "State",
    colLoad: "Load",
    colWarm: "Warm-up",
    colFirst: "First token",
    colTotal: "Total",
    colTokens: "Tokens",
    colRate: "Tokens/s",
  },
  tr: {
    skip: "Soruya geç",
    back: "Sohbete dön",
    language: "Dil",
    pageTitle: "Tarayıcıda Tandem",
    title: "Bu tarayıcının içinde üret",
    lead: "Aynı soruyu hem bu tarayıcıdaki küçük bir model hem de sunucunun modelleri yanıtlar; her birinin ne kadar sürdüğü yanında yazar.",
    probeTitle: "Bu tarayıcı neler yapabiliyor",
    probing: "Bakılıyor…",
    askTitle: "Sor",
    question: "Soru",
    reference: "Başvuru belgeleri",
    referenceHint: "Buraya metin yapıştırın ya da kitaplıktan bölümler ekleyin. Modeller buna göre yanıtlar.",
    library: "Kitaplıkta ara",
    searchButton: "Ara",
    options: "Seçenekler",
    engine: "Tarayıcı nerede hesaplasın",
    longest: "En uzun yanıt (belirteç)",
    passes: "Kim yanıtlasın",
    passBrowser: "Bu tarayıcıdaki bir model",
    run: "Hepsine sor",
    stop: "Durdur",
    modelTitle: "Bu tarayıcıdaki model",
    model: "Model",
    clear: "Saklanan modelleri sil",
    answersTitle: "Yanıtlar",
    empty: "Henüz bir şey sorulmadı.",
    chartTitle: "Gecikme",
    runsTitle: "Çalıştırmalar",
    export: "JSON olarak dışa aktar",
    forget: "Tabloyu temizle",

    engineAuto: "Otomatik",
    engineWebgpu: "WebGPU (ekran kartı)",
    engineWasm: "WebAssembly (işlemci)",
    engineServer: "Burada değil: sunucuya sor",
    engine_webgpu: "WebGPU",
    engine_wasm: "WebAssembly",
    engine_server: "sunucu",

    factSecure: "Güvenli bağlam",
    factInsecure: "Güvenli bağlam yok: sayfayı https ile ya da bu makinede açın",
    factGpu: "Grafik bağdaştırıcısı: {name}",
    factSoftware: "Yazılımla taklit edilen grafik bağdaştırıcısı: {name}",
    factNoGpu: "Grafik bağdaştırıcısı yok",
    factF16: "Bağdaştırıcıda 16 bit aritmetik var",
    factNoF16: "Bağdaştırıcıda 16 bit aritmetik yok",
    factMemory: "Yaklaşık {memory} bellek",
    factThreads: "WebAssembly için birden çok iş parçacığı",
    factNoThreads: "WebAssembly için tek iş parçacığı",

    whyNoRuntime: "Modeli tarayıcıda çalıştıran dosyalar bu sunucuda yok; yöneticisi “tandem browser fetch” ile getirir. O zamana dek sunucu yanıtlar.",
    whyNoModel: "Bu tarayıcı için model seçilmedi; sunucu yanıtlar.",
    whyInsecure: "Sayfa güvenli bağlamda değil; sunucu yanıtlar. Sayfayı https ile ya da sunucunun çalıştığı makinede açın.",
    whyAsked: "Sizin seçtiğiniz gibi: {engine}.",
    whyNoPrecision: "{model} modelinin {engine} için dosyası yok; sunucu yanıtlar.",
    whyWebgpu: "WebGPU, {precision}: bağdaştırıcı bunu hesaplayabiliyor.",
    whyWebgpuNoF16: "WebGPU, {precision}: bağdaştırıcıda 16 bit aritmetik yok.",
    whySoftware: "WebAssembly, {precision}: grafik bağdaştırıcısı yalnızca taklit ediliyor, bu daha yavaş olurdu.",
    whyNoAdapter: "WebAssembly, {precision}: grafik bağdaştırıcısı yok.",
    whyNeedsF16: "{model} grafik bağdaştırıcısında 16 bit aritmetik ister; sunucu yanıtlar.",
    whyBuffer: "{model} bu grafik bağdaştırıcısı için çok büyük; sunucu yanıtlar.",
    whyMemory: "{model} {size} yer tutar, bu tarayıcının belleği yaklaşık {memory}; sunucu yanıtlar.",
    whyWasmLarge: "{model} {size} yer tutar, WebAssembly için çok fazla; kullanılabilir grafik bağdaştırıcısı da yok. Sunucu yanıtlar.",

    noModel: "Hiçbiri: sunucu yanıtlar",
    fromFolder: "{name} ({size}, bu sunucudan)",
    fromHub: "{name} (yaklaşık {size}, {hub} adresinden)",
    noteFolder: "Dosyaları bu sunucudan gelir ve bu tarayıcıda kalır.",
    noteHub: "İndir düğmesi {hub} adresinden yaklaşık {size} indirir. Yazdıklarınız oraya gitmez.",
    noteStored: "Bu tarayıcıda saklı.",
    licence: "Lisans: {licence}.",
    download: "İndir: {size}",
    storage: "Saklanan modeller, bu tarayıcının izin verdiği {quota} alanın {usage} kadarını tutuyor.",
    storageUnknown: "Bu tarayıcı ne kadar saklayabileceğini söylemiyor.",
    cleared: "Saklanan modeller silindi.",
    tooLarge: "{name} yaklaşık {size} tutar, bu tarayıcıda yalnızca {free} boş. Saklanan modelleri silin ya da daha küçük bir model seçin.",

    stageDownload: "İndirme: {loaded} / {total}",
    stageStart: "İndirme: başlıyor",
    stageCompile: "Derleme: model hazırlanıyor",
    stageWarm: "Derleme: deneme olarak ilk belirteçler",
    stageReady: "Hazır.",
    downloaded: "{name} artık bu tarayıcıda.",

    searching: "Aranıyor…",
    found: "{count} bölüm bulundu.",
    foundNone: "Kitaplıkta bununla ilgili bir şey yok.",
    add: "Ekle",
    added: "Eklendi",
    addLabel: "{document} belgesindeki bölümü ekle",
    page: "sayfa {page}",

    ready: "Hazır.",
    noQuestion: "Önce bir soru yazın.",
    noPass: "En az bir yanıtlayan seçin.",
    running: "{name} yanıtlıyor…",
    waiting: "Sırasını bekliyor",
    loadingModel: "Yükleniyor",
    writing: "Yazıyor",
    thinking: "Düşünüyor",
    thoughts: "Ne düşündü",
    finished: "Bitti",
    stopped: "Durduruldu",
    failed: "Başarısız",
    allFinished: "Bitti: {names}.",
    allStopped: "Durduruldu. Yazılanlar kalır.",
    trimmed: "Başvuru belgeleri {all} belirteçten {kept} belirtece kısaltıldı: model {positions} belirteç alır.",
    fellBack: "{why} Yerine sunucu ({model}) yanıtlıyor.",
    failedMissing: "{model} modelinin bir dosyası eksik.",
    failedMemory: "Tarayıcının belleği {model} için yetmedi.",
    failedLost: "Grafik bağdaştırıcısı kayboldu.",
    failedNetwork: "{model} modelinin dosyaları indirilemedi.",
    failedOther: "{model} bu tarayıcıda başarısız oldu: {message}",
    notDownloaded: "{model} henüz bu tarayıcıda değil; önce İndir düğmesine basın.",
    serverMissing: "Sunucuda {model} yok.",
    serverGone: "Sunucuya ulaşılamıyor; çalıştığını denetleyin.",
    signIn: "Önce sohbette oturum açın, sonra yeniden sorun.",
    notThere: "sunucuda yok",
    noAnswer: "Hiçbir şey yazmadı.",

    segLoad: "Yükleme",
    segWarm: "Isınma",
    segFirst: "İlk belirtece kadar",
    segRest: "Son belirtece kadar",
    ms: "{value} ms",
    rate: "{value} belirteç/sn",
    barLabel: "{name}: yükleme {load} ms, ısınma {warm} ms, ilk belirteç {first} ms, kalanı {rest} ms",

    colRun: "Sıra",
    colModel: "Model",
    colEngine: "Nerede",
    colState: "Durum",
    colLoad: "Yükleme",
    colWarm: "Isınma",
    colFirst: "İlk belirteç",
    colTotal: "Toplam",
    colTokens: "Belirteç",
    colRate: "Belirteç/sn",
  },
};

export const LANGUAGES = Object.keys(TEXTS);
const KEPT = "tandem-language";
let current = "en";

/** The language to begin with: the one chosen here before, else the server's setting, else the browser's. */
export function begin(setting) {
  const chosen = localStorage.getItem(KEPT);
  const wanted = [chosen, setting === "auto" ? null : setting, ...navigator.languages.map((tag) => tag.slice(0, 2))];
  current = wanted.find((language) => LANGUAGES.includes(language)) ?? "en";
}

export function choose(language) {
  current = language;
  localStorage.setItem(KEPT, language);
}

export const language = () => current;

/** The wording of `key`, with `{name}` filled in from `values`. */
export function text(key, values = {}) {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const number = (value, digits = 0) =>
  value.toLocaleString(current, { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** A size in bytes, in the unit a person would use. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${(bytes / 1000 ** step).toLocaleString(current, { maximumFractionDigits: step >= 3 ? 1 : 0 })} ${units[step]}`;
}

/** Puts the wording of the current language into everything that names a key. */
export function translate(root = document) {
  document.documentElement.lang = current;
  document.title = text("pageTitle");
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
  for (const button of root.querySelectorAll("[data-language]"))
    button.ariaPressed = String(button.dataset.language === current);
}

/** For tests: the keys of every language. */
export const keys = () => Object.fromEntries(LANGUAGES.map((name) => [name, Object.keys(TEXTS[name]).sort()]));
