export declare const livingProject: Readonly<Record<string, string>>;
